-- Write a change, once. KEYS: session.
-- ARGV: now, idle or '', ends or '', replace 0/1, idempotency key or '', lease holder or '', writes.
local now, replace, idempotency_key = tonumber(ARGV[1]), ARGV[4] == "1", ARGV[5]
local h, why = live_header(KEYS[1], now)
if not h then
  return why
end
local applied = redis.call("HGET", KEYS[1], "#")
if was_applied(applied, idempotency_key) then
  return pack_header(h)
end
if ARGV[6] ~= "" and not is_held(KEYS[1], ARGV[6], now) then
  return "lost"
end
if not can_add(KEYS[1], 7, replace) then
  return "type"
end
local before = declared_texts(KEYS[1])
if replace then
  redis.call("DEL", KEYS[1])
end
put_variables(KEYS[1], 7)
if idempotency_key ~= "" or replace then
  record_applied(KEYS[1], applied, idempotency_key)
end
if ARGV[2] ~= "" then
  h[3] = tonumber(ARGV[2])
  h[5] = tonumber(ARGV[3])
end
h[6] = h[6] + 1
touch_header(h, now)
put_header(KEYS[1], h, now)
update_indexes(KEYS[1], h, before, now)
return pack_header(h)
