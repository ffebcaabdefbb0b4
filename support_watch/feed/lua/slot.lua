-- A slot among a user's sockets. ARGV: epoch (unused), socket, limit, ms it is held. 1: held or acquired; 0: none is
-- free.
local socket, limit, held = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call("ZREMRANGEBYSCORE", root, "-inf", integer(now))
if not redis.call("ZSCORE", root, socket) and redis.call("ZCARD", root) >= limit then
  return 0
end
redis.call("ZADD", root, integer(now + held), socket)
redis.call("PEXPIRE", root, held)
return 1
