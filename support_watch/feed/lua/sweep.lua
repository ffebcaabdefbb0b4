-- Ends the visits that are over. ARGV: epoch, keep, limit. Many sweepers may run: one of them ends each visit.
-- Returns epoch, seq, now, then visit and time of its end, in turns.
local keep, limit = ARGV[2], ARGV[3]
local epoch = epoch_of()
local over = redis.call("ZRANGEBYSCORE", present, "-inf", integer(now), "WITHSCORES", "LIMIT", 0, limit)
for index = 1, #over, 2 do
  local visit = over[index]
  local closed = redis.call("HGET", tabs, visit) == "{}"
  local entry = read_entry(visit) or { level = 0 }
  redis.call("ZREM", present, visit)
  for _, key in ipairs({ values, tabs, handles, claims }) do
    redis.call("HDEL", key, visit)
  end
  emit(closed and "leave" or "expire", visit, keep, { until_ms = tonumber(over[index + 1]), level = entry.level })
end
return { epoch, redis.call("HGET", pos, "seq"), integer(now), unpack(over) }
