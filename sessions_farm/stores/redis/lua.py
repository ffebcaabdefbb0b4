"""The scripts of the ``redis`` store: each is one atomic step and one trip, the indexes and the events with it.

A session is one hash: ``=`` is its header, ``:name`` a variable, ``!`` the reason of its end, ``#`` the ids of its
latest steps. In a copy (``tiered``) besides: ``?`` the lowest version that it may be filled from, ``-`` the epoch of an
answer "SQL has nothing", ``~`` the lease of readers who are asking SQL. Headers are seven numbers: created, seen, idle,
expires, ends, version, epoch.

Under the farm's prefix: ``s:`` sessions, ``w:`` last words, ``l:`` leases, ``k:`` wake-ups, ``c:`` codes; ``live`` has
the key of each session by its expiry, ``i:`` the same for each term of an indexed variable, ``anon`` anonymous ones by
when they were seen; ``ever`` has the dictionaries of scopes; ``events`` and ``f:`` are streams. Who is in ``live`` was
started and has not ended, whatever became of its hash: that makes each end one event. ``pulse`` (``tiered``) is another
once everything was emptied.

Only commands of Redis 7.0 are used. Scripts name keys that they were not given in KEYS: a Cluster is out of scope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions_farm.declarations import OWNER, TERM_LIMIT
from sessions_farm.stores.base import IDEMPOTENCY_KEYS_KEPT, NEVER, TOUCH_FRACTION

if TYPE_CHECKING:
    from sessions_farm.conf import Options

FEED_LENGTH = 1000
MARGIN_MS = 3_600_000  # how long a hash outlives its session, for the sweeper to read its last words
COPY_MARGIN_MS = 60_000

FRACTION = f"local TOUCH_FRACTION = {TOUCH_FRACTION}\n"
PRELUDE = """
local function number(n) return string.format('%.0f', n) end
local function unpack_header(text)
  local h = {}
  for n in string.gmatch(text, '%-?%d+') do h[#h + 1] = tonumber(n) end
  return h
end
local function pack_header(h)
  return string.format('%.0f %.0f %.0f %.0f %.0f %.0f %.0f', h[1], h[2], h[3], h[4], h[5], h[6], h[7])
end
local function keep(key, h, now)
  if not ALONE then redis.call('HDEL', key, '-', '~') end
  redis.call('HSET', key, '=', pack_header(h))
  redis.call('PEXPIRE', key, number(math.max(h[4] - now, 0) + MARGIN))
end
local function slide(h, now)
  h[2] = now
  h[4] = math.min(now + h[3], h[5])
end
-- The header of a live session, or nil and the word for why there is none.
local function live(key, now)
  local m = redis.call('HMGET', key, '=', '!')
  if m[2] then return nil, 'ended' end
  if not m[1] then return nil, 'missing' end
  local h = unpack_header(m[1])
  if now >= h[4] then return nil, 'missing' end
  return h
end
local function bury(key, reason, ttl)
  redis.call('DEL', key)
  redis.call('HSET', key, '!', reason)
  redis.call('PEXPIRE', key, ttl)
end
"""

# What others know of a session: its places in the indexes, its events, its changes.
INDEXES = """
local function id_of(key) return string.sub(key, #P + 4) end
local function term_key(name, text)
  if #text > TERM_LIMIT then text = 'sha1:' .. redis.sha1hex(text) end
  return P .. ':i:' .. #name .. ':' .. name .. ':' .. text
end
local function watched(key) return redis.call('HMGET', key, unpack(FIELDS)) end
local function tell(kind, id, now, reason, other, shared)
  if EVENTS then
    redis.call('XADD', P .. ':events', '*',
      'kind', kind, 'key', id, 'at', number(now), 'reason', reason, 'other', other, unpack(shared))
  end
end
local function place(index, id, ends, now)
  redis.call('ZADD', index, number(ends), id)
  -- An index goes with its last session, also where that was lost without a sweep.
  local ttl = number(math.max(ends - now, 0) + MARGIN)
  if redis.call('PEXPIRE', index, ttl, 'GT') == 0 and redis.call('PTTL', index) < 0 then
    redis.call('PEXPIRE', index, ttl)
  end
end
-- After a write: ``before`` is what the watched variables were, or nil where none has changed.
local function settle(key, h, before, now)
  if not ALONE then return end
  local id = id_of(key)
  if h[5] >= FOREVER then redis.call('ZADD', P .. ':ever', 'NX', number(h[1]), id) return end
  local after = watched(key)
  redis.call('ZADD', P .. ':live', number(h[4]), id)
  for n, name in ipairs(NAMES) do
    local new = after[n]
    local old = new
    if before then old = before[n] or false end
    if INDEXED[n] then
      if old and old ~= new then redis.call('ZREM', term_key(name, old), id) end
      if new then place(term_key(name, new), id, h[4], now) end
    end
    if SHARED[n] and old ~= new then
      local text = {}
      if new then text = {'text', new} end
      redis.call('XADD', P .. ':f:' .. name, 'MAXLEN', '~', FEED_LENGTH, '*',
        'key', id, 'at', number(now), unpack(text))
    end
  end
  if CAPPED then
    if after[OWNER_AT] then redis.call('ZREM', P .. ':anon', id)
    else redis.call('ZADD', P .. ':anon', number(h[2]), id) end
  end
end
-- Take an id out of the indexes of what its watched variables are, but not of the one at ``spared``; the shared ones.
local function displace(id, texts, spared)
  local shared = {}
  for n, name in ipairs(NAMES) do
    if texts[n] then
      if INDEXED[n] and n ~= spared then redis.call('ZREM', term_key(name, texts[n]), id) end
      if SHARED[n] then shared[#shared + 1] = ':' .. name; shared[#shared + 1] = texts[n] end
    end
  end
  return shared
end
-- Take a key out of the indexes; its last shared texts, or nil where no session was known under it.
local function withdraw(key)
  if not ALONE then return nil end
  local id = id_of(key)
  if redis.call('ZREM', P .. ':live', id) == 0 then redis.call('ZREM', P .. ':ever', id) return nil end
  if CAPPED then redis.call('ZREM', P .. ':anon', id) end
  return displace(id, watched(key))
end
local function leave(key, now, reason)
  local shared = withdraw(key)
  if shared then tell('ended', id_of(key), now, reason, '', shared) end
  return shared ~= nil
end
"""

# What a script that writes needs besides. Writes are in ARGV from i: number of puts, name and text of each; number of
# drops, names; number of sums, name and addend of each.
WRITING = """
-- Redis adds up to 64 bits; what is near to that is no counter.
local function is_whole(text)
  return #text <= 18 and (text == '0' or string.find(text, '^%-?[1-9]%d*$'))
end
-- Whether every sum can be made; looked at before anything is written, for a script undoes nothing.
local function can_add(key, i, replace)
  local drops = i + 2 * tonumber(ARGV[i]) + 1
  local sums = drops + tonumber(ARGV[drops]) + 1
  if ARGV[sums] == '0' then return true end
  local fresh = {}
  for n = i + 1, drops - 1, 2 do fresh[ARGV[n]] = ARGV[n + 1] end
  for n = drops + 1, sums - 1 do fresh[ARGV[n]] = false end
  for n = sums + 1, sums + 2 * tonumber(ARGV[sums]), 2 do
    local text = fresh[ARGV[n]]
    if text == nil and not replace then text = redis.call('HGET', key, ':' .. ARGV[n]) end
    if text and not is_whole(text) or not is_whole(ARGV[n + 1]) then return false end
  end
  return true
end
local function write(key, i)
  local puts = tonumber(ARGV[i])
  for n = 1, puts do redis.call('HSET', key, ':' .. ARGV[i + 2 * n - 1], ARGV[i + 2 * n]) end
  i = i + 2 * puts + 1
  local drops = tonumber(ARGV[i])
  for n = 1, drops do redis.call('HDEL', key, ':' .. ARGV[i + n]) end
  i = i + drops + 1
  for n = 1, tonumber(ARGV[i]) do redis.call('HINCRBY', key, ':' .. ARGV[i + 2 * n - 1], ARGV[i + 2 * n]) end
end
local function knows(steps, step)
  return step ~= '' and steps and string.find(' ' .. steps .. ' ', ' ' .. step .. ' ', 1, true)
end
local function remember(key, steps, step)
  if step ~= '' then
    steps = steps and steps .. ' ' .. step or step
    local _, gaps = string.gsub(steps, ' ', '')
    if gaps >= STEPS_KEPT then steps = string.gsub(steps, '^%S+ ', '') end
  end
  if steps then redis.call('HSET', key, '#', steps) end
end
local function is_held(key, token, now)
  local lease = redis.call('GET', P .. ':l:' .. id_of(key))
  if not lease then return false end
  local ends, holder = string.match(lease, '^(%d+) (.*)$')
  return holder == token and now < tonumber(ends)
end
"""


def quoted(text: str) -> str:
    """As a string of Lua, whatever is in it."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'


def configuration(options: Options, *, alone: bool) -> str:
    """What the scripts know of the settings. ``alone``: whether Redis decides, or has copies of what SQL has."""
    declared = options.variables
    indexed, shared = declared.indexed(), declared.shared()
    names = sorted({*indexed, *shared, OWNER})

    def listed(texts: list[str]) -> str:
        return "{" + ", ".join(quoted(text) for text in texts) + "}"

    def flags(chosen: list[str]) -> str:
        return "{" + ", ".join(str(name in chosen).lower() for name in names) + "}"

    values = {
        "P": quoted(options.redis_prefix),
        "ALONE": str(alone).lower(),
        "EVENTS": str(options.events).lower(),
        "CAPPED": str(options.max_live > 0).lower(),
        "MARGIN": MARGIN_MS if alone else COPY_MARGIN_MS,
        "FOREVER": NEVER,
        "TERM_LIMIT": TERM_LIMIT,
        "STEPS_KEPT": IDEMPOTENCY_KEYS_KEPT,
        "FEED_LENGTH": FEED_LENGTH,
        "OWNER_AT": names.index(OWNER) + 1,
        "NAMES": listed(names),
        "FIELDS": listed([f":{name}" for name in names]),
        "INDEXED": flags(indexed),
        "SHARED": flags(shared),
        "SHOWN": listed([f":{name}" for name in shared]),
    }
    return "".join(f"local {name} = {value}\n" for name, value in values.items())


def script(options: Options, text: str, *, alone: bool, first: str = "") -> str:
    """The text of a script with all it calls; ``first`` is done before that is set up, which takes Lua a while."""
    return FRACTION + first + configuration(options, alone=alone) + PRELUDE + INDEXES + WRITING + text
