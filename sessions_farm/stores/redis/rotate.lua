-- Move a session to a new key with a change. KEYS: old session, its final variables, new session.
-- ARGV: now, idle or '', ends or '', replace 0/1, idempotency key or '', lease holder or '', tombstone ttl, grace,
-- successor (the new id, sealed), writes.
local now, replace, idempotency_key = tonumber(ARGV[1]), ARGV[4] == "1", ARGV[5]
local h, why = live_header(KEYS[1], now)
if not h then
  return why
end
if ARGV[6] ~= "" and not is_held(KEYS[1], ARGV[6], now) then
  return "lost"
end
local there, free = live_header(KEYS[3], now)
if there then
  return "taken"
end
if free == "ended" then
  return "ended"
end
if not can_add(KEYS[1], 10, replace) then
  return "type"
end
end_session(KEYS[3], now, "expired")
redis.call("DEL", KEYS[3])
local before, applied = declared_texts(KEYS[1]), redis.call("HGET", KEYS[1], "#")
local is_known = remove_from_indexes(KEYS[1])
local all = redis.call("HGETALL", KEYS[1])
redis.call("DEL", KEYS[2])
redis.call("HSET", KEYS[2], ">", ARGV[9])
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 1) == ":" then
    redis.call("HSET", KEYS[2], all[i], all[i + 1])
  end
end
redis.call("PEXPIRE", KEYS[2], ARGV[8])
if replace then
  redis.call("DEL", KEYS[1])
else
  redis.call("RENAME", KEYS[1], KEYS[3])
end
set_tombstone(KEYS[1], "rotated", ARGV[7])
put_variables(KEYS[3], 10)
record_applied(KEYS[3], applied, idempotency_key)
if ARGV[2] ~= "" then
  h[3] = tonumber(ARGV[2])
  h[5] = tonumber(ARGV[3])
end
h[6] = h[6] + 1
touch_header(h, now)
put_header(KEYS[3], h, now)
update_indexes(KEYS[3], h, before, now)
if is_known then
  add_event("rotated", id_of(KEYS[1]), now, "", id_of(KEYS[3]), {})
end
return pack_header(h)
