-- Release a lease and wake one waiter. KEYS: lease, wake-ups. ARGV: token, ms that a wake-up is kept.
local lease = redis.call("GET", KEYS[1])
if not lease or string.match(lease, "^%d+ (.*)$") ~= ARGV[1] then
  return 0
end
redis.call("DEL", KEYS[1], KEYS[2])
redis.call("RPUSH", KEYS[2], "1")
redis.call("PEXPIRE", KEYS[2], ARGV[2])
return 1
