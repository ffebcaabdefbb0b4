-- Copy a new session. KEYS: session. ARGV: now, header with epoch, eviction marker, ms of an invalidation, writes.
-- The maker left no lease here. The same eviction marker as before shows that no invalidation was lost meanwhile.
-- luacheck: read_globals number put_header put_variables unpack_header
local m = redis.call("HMGET", KEYS[1], "=", "!", "?")
if m[2] then
  return 0
end
local given = unpack_header(ARGV[2])
if m[3] and given[6] < tonumber(m[3]) then
  return 0
end
if m[1] and is_newer(unpack_header(m[1]), given) then
  return 0
end
redis.call("DEL", KEYS[1])
if ARGV[3] ~= eviction_marker() then
  redis.call("HSET", KEYS[1], "?", number(given[6]))
  redis.call("PEXPIRE", KEYS[1], ARGV[4])
  return 0
end
put_variables(KEYS[1], 5)
put_header(KEYS[1], given, tonumber(ARGV[1]))
return 1
