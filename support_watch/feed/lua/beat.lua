-- The heartbeat of an open page. ARGV: epoch, visit, tab, number, ttl, keep, state, time of arrival, page (JSON: path
-- and title), level ("" where the sender does not know what the shopper allows now).
-- A visit that had left the presence list, or was lost with Redis, comes back into it without being announced anew.
-- Returns -1 where the visit is unknown and its level is needed to restore it, 0 where a later beacon came before, else
-- 1; then the line that a member of staff has for the shopper.
local visit, tab, number, ttl = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local keep, state, at, page, level = ARGV[6], ARGV[7], tonumber(ARGV[8]), cjson.decode(ARGV[9]), tonumber(ARGV[10])
local entry = read_entry(visit)
if not entry and not level then
  return { -1, "" }
end
if is_overtaken(tab, number, ttl, visit) then
  return { 0, "" }
end
local was_present = is_present(visit)
local best, count, before = keep_present(visit, tab, ttl, state)
local is_new = not entry
entry = entry or { at = at, level = level, trail = {} }
local has_turned = (is_new or (state == "active" and before == "away")) and turn_page(entry, page)
report_changes(visit, keep, entry, was_present, has_turned, best, count)
return { 1, line_for(visit) }
