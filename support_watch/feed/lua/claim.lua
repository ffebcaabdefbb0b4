-- Tells every screen who looks after a visit. ARGV: epoch, kind (claim or release), visit, keep, by, note, line for the
-- shopper ("": none).
local kind, visit, keep, by, note, line = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
if line == "" then
  redis.call("HDEL", claims, visit)
else
  redis.call("HSET", claims, visit, line)
  redis.call("PEXPIRE", claims, DAY)
end
local entry = read_entry(visit) or { level = 0 }
emit(kind, visit, keep, { at = entry.at, level = entry.level, by = by, note = note })
return 1
