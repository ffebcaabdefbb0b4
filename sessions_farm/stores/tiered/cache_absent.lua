-- Keep the answer that SQL has no such session. KEYS: session. ARGV: lease, epoch, ms of the answer.
-- Believed only while the reader's lease is still here, as in fill.lua.
local m = redis.call("HMGET", KEYS[1], "~", "?")
if m[1] ~= ARGV[1] or m[2] then
  return 0
end
redis.call("DEL", KEYS[1])
redis.call("HSET", KEYS[1], "-", ARGV[2])
redis.call("PEXPIRE", KEYS[1], ARGV[3])
return 1
