-- Create a session. KEYS: session. ARGV: now, header, writes.
-- Where nobody sweeps, each new session removes two that expired long ago: so no index grows for ever.
-- luacheck: read_globals NEVER UNSWEPT
local now = tonumber(ARGV[1])
local found, why = live_header(KEYS[1], now)
if found then
  return "taken"
end
if why == "ended" then
  return "ended"
end
end_session(KEYS[1], now, "expired")
redis.call("DEL", KEYS[1])
local h = unpack_header(ARGV[2])
put_variables(KEYS[1], 3)
put_header(KEYS[1], h, now)
update_indexes(KEYS[1], h, {}, now)
if h[5] < NEVER then
  add_event("started", id_of(KEYS[1]), now, "", "", {})
  remove_expired(now - UNSWEPT, 2, now)
end
return ARGV[2]
