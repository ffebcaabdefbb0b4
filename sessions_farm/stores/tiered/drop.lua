-- Drop copies of sessions that SQL has swept. KEYS: sessions. ARGV: now, an unreachable version, ms.
-- Readers under way can only bring what has expired here too. A copy that seems to live is of a session that SQL knew
-- better about, and is invalidated.
-- luacheck: read_globals unpack_header
for _, key in ipairs(KEYS) do
  local m = redis.call("HMGET", key, "=", "!")
  redis.call("HDEL", key, "~")
  if m[1] and not m[2] then
    redis.call("UNLINK", key)
    if tonumber(ARGV[1]) < unpack_header(m[1])[4] then
      redis.call("HSET", key, "?", ARGV[2])
      redis.call("PEXPIRE", key, ARGV[3])
    end
  end
end
return 1
