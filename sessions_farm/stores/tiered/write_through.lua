-- Write a change through to the copy of the version before; invalidate any other copy. KEYS: session.
-- ARGV: now, header with epoch, replace 0/1, ms of an invalidation, writes.
-- luacheck: read_globals can_add number put_header put_variables unpack_header
local m = redis.call("HMGET", KEYS[1], "=", "!", "?")
if m[2] then
  return 0
end
local given = unpack_header(ARGV[2])
local h = m[1] and unpack_header(m[1])
if h and is_newer(h, given) then
  return 1
end
if h and is_one_before(h, given) and can_add(KEYS[1], 5, ARGV[3] == "1") then
  if ARGV[3] == "1" then
    redis.call("DEL", KEYS[1])
  end
  put_variables(KEYS[1], 5)
  put_header(KEYS[1], given, tonumber(ARGV[1]))
  return 1
end
local lowest = math.max(given[6], h and h[1] == given[1] and h[6] or 0, tonumber(m[3] or 0))
redis.call("DEL", KEYS[1])
redis.call("HSET", KEYS[1], "?", number(lowest))
redis.call("PEXPIRE", KEYS[1], ARGV[4])
return 0
