-- A tab closes. ARGV: epoch, visit, tab, number, ttl, grace. The grace hides a reload; other tabs keep the visit
-- present.
local visit, tab, number, ttl, grace = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
if is_overtaken(tab, number, ttl, visit) then
  return 0
end
if visit == "" then -- the page closed before it heard that its first beat began a visit
  visit = redis.call("HGET", root .. ":tab:" .. tab, "visit") or ""
end
local until_ms = redis.call("ZSCORE", present, visit)
if not until_ms then
  return 0
end
local open = open_tabs(visit)
open[tab] = nil
local latest = math.min(tonumber(until_ms), now + grace)
for _, other in pairs(open) do
  latest = math.max(latest, other[1])
end
redis.call("HSET", tabs, visit, cjson.encode(open))
redis.call("ZADD", present, integer(latest), visit)
return 1
