-- Remove expired sessions, and evict the oldest anonymous ones over the limit. Return both numbers.
-- ARGV: now, limit, how many may live or 0. An evicted session leaves no tombstone, since a flood of sessions would
-- become a flood of tombstones.
-- luacheck: read_globals FIELDS OWNER_AT PREFIX
local now, limit, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local expired = remove_expired(now, limit, now)
if most == 0 then
  return { expired, 0 }
end
local excess = math.min(redis.call("ZCOUNT", PREFIX .. ":live", "(" .. ARGV[1], "+inf") - most, limit)
if excess <= 0 then
  return { expired, 0 }
end
local oldest, ended = redis.call("ZRANGE", PREFIX .. ":anon", 0, limit - 1, "WITHSCORES"), 0
for i = 1, #oldest, 2 do
  if ended < excess then
    local key = PREFIX .. ":s:" .. oldest[i]
    local m = redis.call("HMGET", key, "=", FIELDS[OWNER_AT])
    local seen = m[1] and number(unpack_header(m[1])[2])
    if not seen or m[2] then
      redis.call("ZREM", PREFIX .. ":anon", oldest[i])
    elseif seen ~= oldest[i + 1] then
      redis.call("ZADD", PREFIX .. ":anon", seen, oldest[i])
    else
      end_session(key, now, "evicted")
      redis.call("UNLINK", key)
      ended = ended + 1
    end
  end
end
return { expired, ended }
