-- Return key, header and shared texts of each live session. KEYS: sessions. ARGV: now.
-- luacheck: read_globals NEVER SHOWN
local now, found = tonumber(ARGV[1]), {}
for _, key in ipairs(KEYS) do
  local m = redis.call("HMGET", key, "=", unpack(SHOWN))
  local h = m[1] and unpack_header(m[1])
  if h and now < h[4] and h[5] < NEVER then
    table.insert(m, 1, id_of(key))
    found[#found + 1] = m
  end
end
return found
