-- Ends what is over. ARGV: epoch, keep, most. Any number of sweepers may run: each visit is ended by one of them.
-- Returns epoch, seq, now, then visit and time of its end, in turns.
local keep, most = ARGV[2], ARGV[3]
local epoch = epoch_of()
local over = redis.call("ZRANGEBYSCORE", present, "-inf", whole(now), "WITHSCORES", "LIMIT", 0, most)
for index = 1, #over, 2 do
  local visit = over[index]
  local closed = redis.call("HGET", tabs, visit) == "{}"
  redis.call("ZREM", present, visit)
  redis.call("HDEL", values, visit)
  redis.call("HDEL", tabs, visit)
  emit(closed and "leave" or "expire", visit, keep, { until_ms = tonumber(over[index + 1]) })
end
return { epoch, redis.call("HGET", pos, "seq"), whole(now), unpack(over) }
