-- Drop copies, and let no reader make one for a while. KEYS: sessions. ARGV: an unreachable version, ms.
-- A write to SQL is undecided: nothing that was read before it is decided may become a copy. Tombstones stay.
for _, key in ipairs(KEYS) do
  if not redis.call("HGET", key, "!") then
    redis.call("DEL", key)
    redis.call("HSET", key, "?", ARGV[1])
    redis.call("PEXPIRE", key, ARGV[2])
  end
end
return 1
