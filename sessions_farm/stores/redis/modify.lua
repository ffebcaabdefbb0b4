-- Change one variable by its present text, once. KEYS: session.
-- ARGV: now, idempotency key or '', kind, name, argument, expected text or ''.
local now, idempotency_key = tonumber(ARGV[1]), ARGV[2]
local h, why = live_header(KEYS[1], now)
if not h then
  return { why }
end
local field = ":" .. ARGV[4]
local current, applied = unpack(redis.call("HMGET", KEYS[1], field, "#"))
if was_applied(applied, idempotency_key) then
  return { "done", current or "" }
end
local text, before = ARGV[5], declared_texts(KEYS[1])
if ARGV[3] == "increment" then
  if current and not is_whole(current) or not is_whole(text) then
    return { "type" }
  end
  redis.call("HINCRBY", KEYS[1], field, text)
  text = redis.call("HGET", KEYS[1], field)
elseif ARGV[3] == "append" then
  if current and string.sub(current, 1, 1) ~= "[" then
    return { "type" }
  end
  if not current or current == "[]" then
    text = "[" .. text .. "]"
  else
    text = string.sub(current, 1, -2) .. "," .. text .. "]"
  end
  redis.call("HSET", KEYS[1], field, text)
else
  if (current or "") ~= ARGV[6] then
    return { "conflict" }
  end
  if text == "" then
    redis.call("HDEL", KEYS[1], field)
  else
    redis.call("HSET", KEYS[1], field, text)
  end
end
if idempotency_key ~= "" then
  record_applied(KEYS[1], applied, idempotency_key)
end
h[6] = h[6] + 1
touch_header(h, now)
put_header(KEYS[1], h, now)
update_indexes(KEYS[1], h, before, now)
return { "done", text }
