-- A watched page was opened. ARGV: epoch, visit, tab, ttl, idle, keep, page (JSON), then the aliases of the shopper.
-- A shopper known by any alias continues that visit, so a login or a first cart announces no shopper twice (dedup).
local visit, tab, ttl, idle, keep, page = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7]
for index = 8, #ARGV do
  local known = redis.call("GET", root .. ":alias:" .. ARGV[index])
  if known then
    visit = known
    break
  end
end
for index = 8, #ARGV do
  redis.call("SET", root .. ":alias:" .. ARGV[index], visit, "PX", idle)
end
local announced = root .. ":announced:" .. visit
local first = redis.call("SET", announced, 1, "NX", "PX", DAY)
if not first then
  redis.call("PEXPIRE", announced, DAY)
end
local was_present = is_present(visit)
keep_present(visit, tab, ttl)
local entry = store_entry(visit, now, page)
if first then
  emit("arrive", visit, keep, entry)
elseif not was_present then
  emit("back", visit, keep, entry)
end
return { visit, first and 1 or 0, integer(entry.at) }
