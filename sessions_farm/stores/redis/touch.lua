-- Begin a session's idle time anew. KEYS: session. ARGV: now.
local now = tonumber(ARGV[1])
local h = live_header(KEYS[1], now)
if not h then
  return 0
end
touch_header(h, now)
put_header(KEYS[1], h, now)
update_indexes(KEYS[1], h, nil, now)
return 1
