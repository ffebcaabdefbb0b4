-- Return the run id of this Redis and its eviction marker. KEYS: marker. ARGV: a new marker, its ms.
redis.call("SET", KEYS[1], ARGV[1], "NX")
redis.call("PEXPIRE", KEYS[1], ARGV[2])
return { string.match(redis.call("INFO", "server"), "run_id:(%w+)"), eviction_marker() }
