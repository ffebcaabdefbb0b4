-- The heartbeat of an open page. ARGV: epoch, visit, tab, number, ttl, keep, time of arrival, page (JSON).
-- A visit that had left the presence list, or was lost with Redis, comes back into it without being announced anew.
local visit, tab, number, ttl = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local keep, at, page = ARGV[6], tonumber(ARGV[7]), ARGV[8]
if is_overtaken(tab, number, ttl, visit) then
  return 0
end
local was_present = is_present(visit)
keep_present(visit, tab, ttl)
local entry = store_entry(visit, at, page)
if not was_present then
  emit("back", visit, keep, entry)
end
return was_present and 1 or 0
