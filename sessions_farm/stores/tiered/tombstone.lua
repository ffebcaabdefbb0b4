-- Copy ends of sessions. KEYS: session and its final variables, of each. ARGV: reason, tombstone ttl.
-- luacheck: read_globals set_tombstone
for n = 1, #KEYS, 2 do
  redis.call("DEL", KEYS[n + 1])
  set_tombstone(KEYS[n], ARGV[1], ARGV[2])
end
return 1
