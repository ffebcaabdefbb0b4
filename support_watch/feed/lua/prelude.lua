-- The beginning of every script of the feed. KEYS[1] is the vendor's root, such as {watch:7}: the braces keep all its
-- keys in one slot. ARGV[1] is a fresh epoch, used only where the vendor has none. Redis' clock is the farm's one
-- clock.
local root, fresh = KEYS[1], ARGV[1]
local pos, stream = root .. ":pos", root .. ":events"
local present, values, tabs = root .. ":present", root .. ":values", root .. ":tabs"
local handles, claims = root .. ":handles", root .. ":claims"
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local DAY = 86400000
local MAX_TABS = 20
local MAX_TRAIL = 10
local RANK = { active = 1, idle = 2, away = 3 }

-- A Lua number of 13 digits prints as 1.76e+12 without an explicit format.
local function integer(number)
  return string.format("%.0f", number)
end

-- The epoch changes when the stream is lost; a sequence number is valid within its epoch only. A replica that takes
-- over may lack the last events: it would give their numbers to others, and whoever has seen those numbers would pass
-- the others over. It remembers whose replica it was in its second replication id, which no restart sets.
local NOBODY = string.rep("0", 40)
local function epoch_of()
  local before = string.match(redis.call("INFO", "replication"), "master_replid2:(%x+)") or NOBODY
  local epoch, known = unpack(redis.call("HMGET", pos, "epoch", "before"))
  if not epoch or (before ~= NOBODY and before ~= known) then
    redis.call("DEL", pos, stream)
    redis.call("HSET", pos, "epoch", fresh, "seq", 0, "before", before)
    epoch = fresh
  end
  return epoch
end

-- The entry's id is its sequence number, so a reader continues from the last number it saw.
local function emit(kind, visit, keep, fields)
  local epoch = epoch_of()
  local seq = redis.call("HINCRBY", pos, "seq", 1)
  redis.call(
    "XADD",
    stream,
    "MAXLEN",
    "~",
    keep,
    integer(seq) .. "-0",
    "epoch",
    epoch,
    "type",
    kind,
    "visit",
    visit,
    "at",
    integer(now),
    "data",
    cjson.encode(fields)
  )
  redis.call("PEXPIRE", stream, DAY)
end

local function is_present(visit)
  local until_ms = redis.call("ZSCORE", present, visit)
  return until_ms and tonumber(until_ms) > now
end

-- Each tab has the time until which it counts, and its state.
local function open_tabs(visit)
  local kept, count = {}, 0
  for tab, entry in pairs(cjson.decode(redis.call("HGET", tabs, visit) or "{}")) do
    if entry[1] > now and count < MAX_TABS then
      kept[tab] = entry
      count = count + 1
    end
  end
  return kept
end

-- A visit is present as long as its longest-living tab, and as awake as its most awake one.
-- Returns its state, its number of tabs, and the state that the tab had.
local function keep_present(visit, tab, ttl, state)
  local open = open_tabs(visit)
  local before = open[tab] and open[tab][2]
  open[tab] = { now + ttl, state }
  local latest, best, count = 0, "away", 0
  for _, entry in pairs(open) do
    latest = math.max(latest, entry[1])
    if RANK[entry[2]] < RANK[best] then
      best = entry[2]
    end
    count = count + 1
  end
  redis.call("HSET", tabs, visit, cjson.encode(open))
  redis.call("ZADD", present, integer(latest), visit)
  for _, key in ipairs({ present, values, tabs, handles, claims }) do
    redis.call("PEXPIRE", key, DAY)
  end
  return best, count, before
end

-- Two beacons of a tab travel over two connections, so the later may come first: an older number is then passed over.
local function is_overtaken(tab, number, ttl, visit)
  local key = root .. ":tab:" .. tab
  if tonumber(redis.call("HGET", key, "number") or 0) > number then
    return true
  end
  redis.call("HSET", key, "number", integer(number))
  if visit ~= "" then
    redis.call("HSET", key, "visit", visit)
  end
  redis.call("PEXPIRE", key, ttl)
  return false
end

local function read_entry(visit)
  local known = redis.call("HGET", values, visit)
  return known and cjson.decode(known)
end

-- The page that the shopper looks at; the one before goes into the trail. Without consent no page is kept.
local function turn_page(entry, page)
  if entry.level == 0 then
    entry.path, entry.title, entry.page_at, entry.trail = nil, nil, nil, {}
  end
  if entry.level == 0 or entry.path == page.path then
    return false
  end
  if entry.path then
    entry.trail[#entry.trail + 1] = {
      path = entry.path,
      title = entry.title,
      seconds = math.floor((now - entry.page_at) / 1000),
    }
    if #entry.trail > MAX_TRAIL then
      table.remove(entry.trail, 1)
    end
  end
  entry.path, entry.title, entry.page_at = page.path, page.title, now
  return true
end

-- Tells staff of a change: a visit that is back, another page, another state or number of tabs; not of a plain beat.
local function report_changes(visit, keep, entry, was_present, has_turned, state, count)
  local changed = entry.state ~= state or entry.tabs ~= count
  entry.state, entry.tabs = state, count
  redis.call("HSET", values, visit, cjson.encode(entry))
  if not was_present then
    emit("back", visit, keep, entry)
  elseif has_turned then
    emit("page", visit, keep, entry)
  elseif changed then
    emit("state", visit, keep, entry)
  end
end

local function line_for(visit)
  return redis.call("HGET", claims, visit) or ""
end
