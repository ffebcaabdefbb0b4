-- What every script begins with: the session's hash, its places in the indexes, its events, its variables.
--
-- A session is one hash: '=' is its header, ':name' a variable, '!' the reason of its end (a tombstone), '#' its latest
-- idempotency keys. In a copy (stores/tiered) besides: '?' the lowest version that it may be filled from, '-' the epoch
-- of an answer "SQL has no such session", '~' the lease of readers that are asking SQL. Final variables have the sealed
-- id of the session's successor in '>'. A header is seven numbers:
-- created, seen, idle, expires, ends, version, epoch.
--
-- Under the farm's prefix: 's:' sessions, 'v:' final variables, 't:' and 'u:' the same of copies, 'l:' leases, 'k:'
-- wake-ups, 'c:' codes. 'live' is the index of keys by expiry, 'i:' the same for each term of an indexed variable,
-- 'anon' anonymous sessions by their last request, 'ever' dictionaries of scopes. 'events' and 'f:' are streams. A key
-- in 'live' was started and has not ended, whatever became of its hash: so each end is one event. 'eviction-marker'
-- (copies) is another once everything was emptied.
--
-- Only commands of Redis 7.0 are used. Scripts name keys that are not in KEYS: a Cluster is out of scope.
-- luacheck: read_globals ALONE CAPPED EVENTS EVENTS_KEPT FEED_LENGTH FIELDS IDEMPOTENCY_KEYS_KEPT INDEXED MARGIN
-- luacheck: read_globals NAMES NEVER
-- luacheck: read_globals OWNER_AT PREFIX SHARED TERM_LIMIT

-- A Lua number of 13 digits prints as 1.76e+12 unless it is told otherwise.
local function number(n)
  return string.format("%.0f", n)
end
local function unpack_header(text)
  local h = {}
  for n in string.gmatch(text, "%-?%d+") do
    h[#h + 1] = tonumber(n)
  end
  return h
end
local function pack_header(h)
  return string.format("%.0f %.0f %.0f %.0f %.0f %.0f %.0f", h[1], h[2], h[3], h[4], h[5], h[6], h[7])
end
local function put_header(key, h, now)
  if not ALONE then
    redis.call("HDEL", key, "-", "~")
  end
  redis.call("HSET", key, "=", pack_header(h))
  redis.call("PEXPIRE", key, number(math.max(h[4] - now, 0) + MARGIN))
end
local function touch_header(h, now)
  h[2] = now
  h[4] = math.min(now + h[3], h[5])
end
-- Return the header of a live session, or nil and the refusal: 'ended' or 'missing'.
local function live_header(key, now)
  local m = redis.call("HMGET", key, "=", "!")
  if m[2] then
    return nil, "ended"
  end
  if not m[1] then
    return nil, "missing"
  end
  local h = unpack_header(m[1])
  if now >= h[4] then
    return nil, "missing"
  end
  return h
end
local function set_tombstone(key, reason, ttl)
  redis.call("DEL", key)
  redis.call("HSET", key, "!", reason)
  redis.call("PEXPIRE", key, ttl)
end

-- What others know of a session: its places in the indexes, its events, its changes.
local function id_of(key)
  return string.sub(key, #PREFIX + 4)
end
local function term_key(name, text)
  if #text > TERM_LIMIT then
    text = "sha1:" .. redis.sha1hex(text)
  end
  return PREFIX .. ":i:" .. #name .. ":" .. name .. ":" .. text
end
local function declared_texts(key)
  return redis.call("HMGET", key, unpack(FIELDS))
end
local function add_event(kind, id, now, reason, other, shared)
  if EVENTS then
    redis.call(
      "XADD",
      PREFIX .. ":events",
      "MINID",
      "~",
      number((redis.call("TIME")[1] - EVENTS_KEPT) * 1000),
      "*",
      "kind",
      kind,
      "key",
      id,
      "at",
      number(now),
      "reason",
      reason,
      "other",
      other,
      unpack(shared)
    )
  end
end
local function add_to_index(index, id, ends, now)
  redis.call("ZADD", index, number(ends), id)
  -- An index goes with its last session, also where that was lost without a sweep.
  local ttl = number(math.max(ends - now, 0) + MARGIN)
  if redis.call("PEXPIRE", index, ttl, "GT") == 0 and redis.call("PTTL", index) < 0 then
    redis.call("PEXPIRE", index, ttl)
  end
end
-- Bring the indexes up to date after a write. ``before``: the declared variables until then, nil where none changed.
local function update_indexes(key, h, before, now)
  if not ALONE then
    return
  end
  local id = id_of(key)
  if h[5] >= NEVER then
    redis.call("ZADD", PREFIX .. ":ever", "NX", number(h[1]), id)
    return
  end
  local after = declared_texts(key)
  redis.call("ZADD", PREFIX .. ":live", number(h[4]), id)
  for n, name in ipairs(NAMES) do
    local new = after[n]
    local old = new
    if before then
      old = before[n] or false
    end
    if INDEXED[n] then
      if old and old ~= new then
        redis.call("ZREM", term_key(name, old), id)
      end
      if new then
        add_to_index(term_key(name, new), id, h[4], now)
      end
    end
    if SHARED[n] and old ~= new then
      local text = {}
      if new then
        text = { "text", new }
      end
      redis.call(
        "XADD",
        PREFIX .. ":f:" .. name,
        "MAXLEN",
        "~",
        FEED_LENGTH,
        "*",
        "key",
        id,
        "at",
        number(now),
        unpack(text)
      )
    end
  end
  if CAPPED then
    if after[OWNER_AT] then
      redis.call("ZREM", PREFIX .. ":anon", id)
    else
      redis.call("ZADD", PREFIX .. ":anon", number(h[2]), id)
    end
  end
end
-- Take an id out of the indexes of its terms, but for the one at ``spared``. Return names and texts of shared ones.
local function remove_terms(id, texts, spared)
  local shared = {}
  for n, name in ipairs(NAMES) do
    if texts[n] then
      if INDEXED[n] and n ~= spared then
        redis.call("ZREM", term_key(name, texts[n]), id)
      end
      if SHARED[n] then
        shared[#shared + 1] = ":" .. name
        shared[#shared + 1] = texts[n]
      end
    end
  end
  return shared
end
-- Take a key out of all indexes. Return its last shared texts, or nil where no session was known under it.
local function remove_from_indexes(key)
  if not ALONE then
    return nil
  end
  local id = id_of(key)
  if redis.call("ZREM", PREFIX .. ":live", id) == 0 then
    redis.call("ZREM", PREFIX .. ":ever", id)
    return nil
  end
  if CAPPED then
    redis.call("ZREM", PREFIX .. ":anon", id)
  end
  return remove_terms(id, declared_texts(key))
end
-- Record the end of a session once. Return whether one was known under the key.
local function end_session(key, now, reason)
  local shared = remove_from_indexes(key)
  if shared then
    add_event("ended", id_of(key), now, reason, "", shared)
  end
  return shared ~= nil
end
-- Remove up to ``limit`` sessions that expired before a moment. Return how many there were.
local function remove_expired(before, limit, now)
  local due = redis.call("ZRANGE", PREFIX .. ":live", "-inf", number(before), "BYSCORE", "LIMIT", 0, limit)
  for _, id in ipairs(due) do
    local key = PREFIX .. ":s:" .. id
    end_session(key, now, "expired")
    if not redis.call("HGET", key, "!") then
      redis.call("UNLINK", key)
    end
  end
  return #due
end

-- Variables. Writes are in ARGV from i: number of puts, name and text of each; number of drops, names; number of sums,
-- name and addend of each. Redis adds up to 64 bits; numbers near to that are no counters.
local function is_whole(text)
  return #text <= 18 and (text == "0" or string.find(text, "^%-?[1-9]%d*$"))
end
-- Return whether every sum can be made. Asked before anything is written, because a script undoes nothing.
local function can_add(key, i, replace)
  local drops = i + 2 * tonumber(ARGV[i]) + 1
  local sums = drops + tonumber(ARGV[drops]) + 1
  if ARGV[sums] == "0" then
    return true
  end
  local fresh = {}
  for n = i + 1, drops - 1, 2 do
    fresh[ARGV[n]] = ARGV[n + 1]
  end
  for n = drops + 1, sums - 1 do
    fresh[ARGV[n]] = false
  end
  for n = sums + 1, sums + 2 * tonumber(ARGV[sums]), 2 do
    local text = fresh[ARGV[n]]
    if text == nil and not replace then
      text = redis.call("HGET", key, ":" .. ARGV[n])
    end
    if text and not is_whole(text) or not is_whole(ARGV[n + 1]) then
      return false
    end
  end
  return true
end
local function put_variables(key, i)
  local puts = tonumber(ARGV[i])
  for n = 1, puts do
    redis.call("HSET", key, ":" .. ARGV[i + 2 * n - 1], ARGV[i + 2 * n])
  end
  i = i + 2 * puts + 1
  local drops = tonumber(ARGV[i])
  for n = 1, drops do
    redis.call("HDEL", key, ":" .. ARGV[i + n])
  end
  i = i + drops + 1
  for n = 1, tonumber(ARGV[i]) do
    redis.call("HINCRBY", key, ":" .. ARGV[i + 2 * n - 1], ARGV[i + 2 * n])
  end
end
-- Return whether a change was applied before: a retry with its idempotency key must not apply it again.
local function was_applied(applied, idempotency_key)
  return idempotency_key ~= ""
    and applied
    and string.find(" " .. applied .. " ", " " .. idempotency_key .. " ", 1, true)
end
local function record_applied(key, applied, idempotency_key)
  if idempotency_key ~= "" then
    applied = applied and applied .. " " .. idempotency_key or idempotency_key
    local _, gaps = string.gsub(applied, " ", "")
    if gaps >= IDEMPOTENCY_KEYS_KEPT then
      applied = string.gsub(applied, "^%S+ ", "")
    end
  end
  if applied then
    redis.call("HSET", key, "#", applied)
  end
end
local function is_held(key, token, now)
  local lease = redis.call("GET", PREFIX .. ":l:" .. id_of(key))
  if not lease then
    return false
  end
  local ends, holder = string.match(lease, "^(%d+) (.*)$")
  return holder == token and now < tonumber(ends)
end
