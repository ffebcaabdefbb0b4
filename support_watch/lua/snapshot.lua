-- Who is here, and the position this is true for, at one instant. ARGV: epoch.
-- Returns epoch, seq, now, then visit and values (JSON) in turns, the latest arrival last.
local answer = { epoch_of(), redis.call("HGET", pos, "seq"), whole(now) }
for _, visit in ipairs(redis.call("ZRANGEBYSCORE", present, "(" .. whole(now), "+inf")) do
  answer[#answer + 1] = visit
  answer[#answer + 1] = redis.call("HGET", values, visit) or "{}"
end
return answer
