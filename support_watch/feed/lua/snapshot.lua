-- The present visits and the stream's position, at one instant. ARGV: epoch.
-- Returns epoch, seq, now, then visit and values (JSON) in turns, the latest arrival last.
local answer = { epoch_of(), redis.call("HGET", pos, "seq"), integer(now) }
for _, visit in ipairs(redis.call("ZRANGEBYSCORE", present, "(" .. integer(now), "+inf")) do
  answer[#answer + 1] = visit
  answer[#answer + 1] = redis.call("HGET", values, visit) or "{}"
end
return answer
