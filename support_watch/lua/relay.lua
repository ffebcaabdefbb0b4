-- Tells of an arrival that Redis missed. ARGV: epoch, visit, alias, keep, entry (JSON with at).
-- 1: told. 0: it was told already (a time-out may hide a success). -1: the shopper goes on with an older visit.
local visit, alias, keep, entry = ARGV[2], ARGV[3], ARGV[4], cjson.decode(ARGV[5])
local known = redis.call("GET", root .. ":who:" .. alias)
if known and known ~= visit then
  return -1
end
if not redis.call("SET", root .. ":seen:" .. visit, 1, "NX", "PX", DAY) then
  return 0
end
entry.late = true
emit("arrive", visit, keep, entry)
return 1
