-- Let the copies follow a rotation. KEYS: old session, its final variables, new session.
-- ARGV: now, header with epoch, replace 0/1, ms of an invalidation, tombstone ttl, eviction marker, writes.
-- luacheck: read_globals can_add number put_header put_variables set_tombstone unpack_header
local m = redis.call("HMGET", KEYS[1], "=", "!")
local given = unpack_header(ARGV[2])
local h = m[1] and unpack_header(m[1])
local newest = redis.call("HMGET", KEYS[3], "=", "?", "!")
local there = newest[1] and unpack_header(newest[1])
if not newest[3] and (not there or tonumber(ARGV[1]) >= there[4] or not is_newer(there, given)) then
  redis.call("DEL", KEYS[3])
  if
    h
    and not m[2]
    and not newest[2]
    and is_one_before(h, given)
    and can_add(KEYS[1], 7, ARGV[3] == "1")
    and ARGV[6] == eviction_marker()
  then
    if ARGV[3] == "0" then
      redis.call("RENAME", KEYS[1], KEYS[3])
    end
    put_variables(KEYS[3], 7)
    put_header(KEYS[3], given, tonumber(ARGV[1]))
  else
    redis.call("HSET", KEYS[3], "?", number(math.max(given[6], tonumber(newest[2] or 0))))
    redis.call("PEXPIRE", KEYS[3], ARGV[4])
  end
end
redis.call("DEL", KEYS[2])
set_tombstone(KEYS[1], "rotated", ARGV[5])
return 1
