-- Copy what a reader found in SQL. KEYS: session. ARGV: now, header with epoch, lease, writes.
-- Believed only while the lease that the reader left before it asked SQL is still here: a write takes it away, and so
-- does an eviction.
-- luacheck: read_globals put_header put_variables unpack_header
local m = redis.call("HMGET", KEYS[1], "=", "!", "?", "~")
if m[4] ~= ARGV[3] then
  return 0
end
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
put_variables(KEYS[1], 4)
put_header(KEYS[1], given, tonumber(ARGV[1]))
return 1
