-- Acquire or prolong a lease. KEYS: lease, wake-ups. ARGV: token, now, ms.
-- Redis expires the lease after its ms, whatever the caller's clock says.
local lease, now = redis.call("GET", KEYS[1]), tonumber(ARGV[2])
if lease then
  local ends, holder = string.match(lease, "^(%d+) (.*)$")
  if holder ~= ARGV[1] and now < tonumber(ends) then
    return 0
  end
end
redis.call("SET", KEYS[1], number(now + tonumber(ARGV[3])) .. " " .. ARGV[1], "PX", ARGV[3])
redis.call("DEL", KEYS[2])
return 1
