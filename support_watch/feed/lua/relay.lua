-- Delivers an arrival that Redis missed; idempotent. ARGV: epoch, visit, alias, keep, entry (JSON with at).
-- 1: delivered. 0: delivered before (a time-out may hide a success). -1: the shopper continues an older visit.
local visit, alias, keep, entry = ARGV[2], ARGV[3], ARGV[4], cjson.decode(ARGV[5])
local known = redis.call("GET", root .. ":alias:" .. alias)
if known and known ~= visit then
  return -1
end
if not redis.call("SET", root .. ":announced:" .. visit, 1, "NX", "PX", DAY) then
  return 0
end
entry.late = true
emit("arrive", visit, keep, entry)
return 1
