-- A watched page was opened. ARGV: epoch, visit, tab, number, ttl, grace, idle, keep, page (JSON: path, title, level,
-- chosen), handle of the session ("": not to be kept), then the aliases of the shopper.
-- A shopper known by any alias continues that visit, so a login or a first cart announces no shopper twice (dedup).
-- Returns visit, 1 if it is new, its begin, and the line that a member of staff has for the shopper.
local visit, tab, number, ttl = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local grace, idle, keep, page = tonumber(ARGV[6]), ARGV[7], ARGV[8], cjson.decode(ARGV[9])
for index = 11, #ARGV do
  local known = redis.call("GET", root .. ":alias:" .. ARGV[index])
  if known then
    visit = known
    break
  end
end
for index = 11, #ARGV do
  redis.call("SET", root .. ":alias:" .. ARGV[index], visit, "PX", idle)
end
local announced = root .. ":announced:" .. visit
local first = redis.call("SET", announced, 1, "NX", "PX", DAY)
if not first then
  redis.call("PEXPIRE", announced, DAY)
end
local was_present = is_present(visit)
local state, count = keep_present(visit, tab, is_overtaken(tab, number, ttl, visit) and grace or ttl, "active")
local entry = read_entry(visit) or { at = now, level = 0, trail = {} }
local level = entry.level
entry.level = page.chosen and page.level or math.max(level, page.level)
local has_turned = turn_page(entry, page) or entry.level ~= level
if ARGV[10] ~= "" then
  redis.call("HSET", handles, visit, ARGV[10])
end
if first then
  entry.state, entry.tabs = state, count
  redis.call("HSET", values, visit, cjson.encode(entry))
  emit("arrive", visit, keep, entry)
else
  report_changes(visit, keep, entry, was_present, has_turned, state, count)
end
return { visit, first and 1 or 0, integer(entry.at), line_for(visit) }
