-- What the scripts of the copies begin with, after ../redis/prelude.lua.
-- luacheck: read_globals PREFIX

-- A key may see one session expire and the next be made: they are told apart by their times of creation.
local function is_newer(h, given)
  return h[7] >= given[7] and (h[1] > given[1] or h[1] == given[1] and h[6] >= given[6])
end
local function is_one_before(h, given)
  return h[7] == given[7] and h[1] == given[1] and h[6] == given[6] - 1
end

-- Return a text that is another one once this Redis has lost a key before its time, by eviction or FLUSHALL.
local function eviction_marker()
  local since = redis.call("GET", PREFIX .. ":eviction-marker")
  return since and since .. " " .. string.match(redis.call("INFO", "stats"), "evicted_keys:(%d+)")
end
