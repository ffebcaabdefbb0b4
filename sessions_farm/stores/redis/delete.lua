-- End a key for good. KEYS: session, its final variables. ARGV: now, reason, tombstone ttl.
end_session(KEYS[1], tonumber(ARGV[1]), ARGV[2])
redis.call("DEL", KEYS[2])
set_tombstone(KEYS[1], ARGV[2], ARGV[3])
return 1
