-- What every script of the feed begins with. KEYS[1] is the vendor's root, such as {watch:7}: the braces keep all of
-- its keys in one slot. ARGV[1] is a fresh epoch, used only where the vendor has none. Redis' clock is the farm's one
-- clock.
local root, fresh = KEYS[1], ARGV[1]
local pos, stream = root .. ":pos", root .. ":events"
local present, values, tabs = root .. ":present", root .. ":values", root .. ":tabs"
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local DAY = 86400000
local MOST_TABS = 20

-- A Lua number of 13 digits prints as 1.76e+12 unless it is told otherwise.
local function whole(number)
  return string.format("%.0f", number)
end

-- The epoch says which life of the stream a sequence number belongs to; it goes with the number, never alone.
local function epoch_of()
  local epoch = redis.call("HGET", pos, "epoch")
  if not epoch then
    redis.call("DEL", pos, stream)
    redis.call("HSET", pos, "epoch", fresh, "seq", 0)
    epoch = fresh
  end
  return epoch
end

-- The entry's id is its sequence number, so a reader goes on from the last number it saw.
local function emit(kind, visit, keep, fields)
  local epoch = epoch_of()
  local seq = redis.call("HINCRBY", pos, "seq", 1)
  redis.call(
    "XADD",
    stream,
    "MAXLEN",
    "~",
    keep,
    whole(seq) .. "-0",
    "epoch",
    epoch,
    "type",
    kind,
    "visit",
    visit,
    "at",
    whole(now),
    "data",
    cjson.encode(fields)
  )
  redis.call("PEXPIRE", stream, DAY)
end

local function is_present(visit)
  local until_ms = redis.call("ZSCORE", present, visit)
  return until_ms and tonumber(until_ms) > now
end

local function open_tabs(visit)
  local kept, count = {}, 0
  for tab, until_ms in pairs(cjson.decode(redis.call("HGET", tabs, visit) or "{}")) do
    if until_ms > now and count < MOST_TABS then
      kept[tab] = until_ms
      count = count + 1
    end
  end
  return kept
end

-- A visit lives as long as its longest-living tab.
local function keep_present(visit, tab, ttl)
  local open = open_tabs(visit)
  open[tab] = now + ttl
  local latest = 0
  for _, until_ms in pairs(open) do
    latest = math.max(latest, until_ms)
  end
  redis.call("HSET", tabs, visit, cjson.encode(open))
  redis.call("ZADD", present, whole(latest), visit)
  for _, key in ipairs({ present, values, tabs }) do
    redis.call("PEXPIRE", key, DAY)
  end
end

-- Keeps the time of the first sight; takes the page of the last.
local function remember(visit, at, page)
  local known = redis.call("HGET", values, visit)
  local entry = cjson.decode(page)
  entry.at = known and cjson.decode(known).at or at
  redis.call("HSET", values, visit, cjson.encode(entry))
  return entry
end
