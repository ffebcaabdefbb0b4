-- The beginning of every script of the feed. KEYS[1] is the vendor's root, such as {watch:7}: the braces keep all its
-- keys in one slot. ARGV[1] is a fresh epoch, used only where the vendor has none. Redis' clock is the farm's one
-- clock.
local root, fresh = KEYS[1], ARGV[1]
local pos, stream = root .. ":pos", root .. ":events"
local present, values, tabs = root .. ":present", root .. ":values", root .. ":tabs"
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local DAY = 86400000
local MAX_TABS = 20

-- A Lua number of 13 digits prints as 1.76e+12 without an explicit format.
local function integer(number)
  return string.format("%.0f", number)
end

-- The epoch changes when the stream is lost; a sequence number is valid within its epoch only.
local function epoch_of()
  local epoch = redis.call("HGET", pos, "epoch")
  if not epoch then
    redis.call("DEL", pos, stream)
    redis.call("HSET", pos, "epoch", fresh, "seq", 0)
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

local function open_tabs(visit)
  local kept, count = {}, 0
  for tab, until_ms in pairs(cjson.decode(redis.call("HGET", tabs, visit) or "{}")) do
    if until_ms > now and count < MAX_TABS then
      kept[tab] = until_ms
      count = count + 1
    end
  end
  return kept
end

-- A visit is present as long as its longest-living tab.
local function keep_present(visit, tab, ttl)
  local open = open_tabs(visit)
  open[tab] = now + ttl
  local latest = 0
  for _, until_ms in pairs(open) do
    latest = math.max(latest, until_ms)
  end
  redis.call("HSET", tabs, visit, cjson.encode(open))
  redis.call("ZADD", present, integer(latest), visit)
  for _, key in ipairs({ present, values, tabs }) do
    redis.call("PEXPIRE", key, DAY)
  end
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

-- Keeps the time of the first view and the page of the last.
local function store_entry(visit, at, page)
  local known = redis.call("HGET", values, visit)
  local entry = cjson.decode(page)
  entry.at = known and cjson.decode(known).at or at
  redis.call("HSET", values, visit, cjson.encode(entry))
  return entry
end
