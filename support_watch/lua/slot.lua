-- A place among a person's sockets. ARGV: epoch (unused), socket, most, ms it is held.
-- 1: had it or got it; 0: none is free.
local socket, most, held = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call("ZREMRANGEBYSCORE", root, "-inf", whole(now))
if not redis.call("ZSCORE", root, socket) and redis.call("ZCARD", root) >= most then
  return 0
end
redis.call("ZADD", root, whole(now + held), socket)
redis.call("PEXPIRE", root, held)
return 1
