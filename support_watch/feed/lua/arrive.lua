-- A watched page was opened. ARGV: epoch, visit, tab, number, ttl, grace, idle, keep, page (JSON), then the aliases
-- of the shopper.
-- A shopper known by any alias continues that visit, so a login or a first cart announces no shopper twice (dedup).
local visit, tab, number, ttl = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local grace, idle, keep, page = tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[9]
for index = 10, #ARGV do
  local known = redis.call("GET", root .. ":alias:" .. ARGV[index])
  if known then
    visit = known
    break
  end
end
for index = 10, #ARGV do
  redis.call("SET", root .. ":alias:" .. ARGV[index], visit, "PX", idle)
end
local announced = root .. ":announced:" .. visit
local first = redis.call("SET", announced, 1, "NX", "PX", DAY)
if not first then
  redis.call("PEXPIRE", announced, DAY)
end
local was_present = is_present(visit)
keep_present(visit, tab, is_overtaken(tab, number, ttl, visit) and grace or ttl)
local entry = store_entry(visit, now, page)
if first then
  emit("arrive", visit, keep, entry)
elseif not was_present then
  emit("back", visit, keep, entry)
end
return { visit, first and 1 or 0, integer(entry.at) }
