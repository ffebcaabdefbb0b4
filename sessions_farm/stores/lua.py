"""The scripts of the ``redis`` and ``tiered`` stores: each is one atomic step and one trip.

A session is one hash: ``=`` is its header, ``:name`` a variable, ``!`` the reason of its end, ``?`` the lowest version
that a copy may be filled from, ``-`` the epoch of an answer "SQL has nothing", ``~`` the lease of a reader who is
asking SQL. Only commands of Redis 7.0 are used. Headers are seven numbers:
created, seen, idle, expires, ends, version, epoch.
"""

PRELUDE = """
local MARGIN = 60000
local function unpack_header(text)
  local h = {}
  for n in string.gmatch(text, '%-?%d+') do h[#h + 1] = tonumber(n) end
  return h
end
local function pack_header(h)
  return string.format('%.0f %.0f %.0f %.0f %.0f %.0f %.0f', h[1], h[2], h[3], h[4], h[5], h[6], h[7])
end
local function keep(key, h, now)
  redis.call('HDEL', key, '-', '~')
  redis.call('HSET', key, '=', pack_header(h))
  redis.call('PEXPIRE', key, string.format('%.0f', math.max(h[4] - now, 0) + MARGIN))
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
-- ARGV from i: number of puts, name and text of each, number of drops, names.
local function write(key, i)
  local puts = tonumber(ARGV[i])
  for n = 1, puts do redis.call('HSET', key, ':' .. ARGV[i + 2 * n - 1], ARGV[i + 2 * n]) end
  i = i + 2 * puts + 1
  for n = 1, tonumber(ARGV[i]) do redis.call('HDEL', key, ':' .. ARGV[i + n]) end
end
local function bury(key, reason, ttl)
  redis.call('DEL', key)
  redis.call('HSET', key, '!', reason)
  redis.call('PEXPIRE', key, ttl)
end
"""

# KEYS session, its last words; ARGV now, lowest epoch, lease or '', how long the lease is good
# The third number: 1 where a live session was touched, or where it is known that SQL has none.
LOAD = """
local now, lowest = tonumber(ARGV[1]), tonumber(ARGV[2])
local all = redis.call('HGETALL', KEYS[1])
local text, none
for i = 1, #all, 2 do
  if all[i] == '=' then text = all[i + 1] end
  if all[i] == '-' then none = tonumber(all[i + 1]) end
  if all[i] == '!' then return {'ended', '', 0, redis.call('HGETALL', KEYS[2])} end
end
local h = text and unpack_header(text)
if not h or now >= h[4] or h[7] < lowest then
  if none and none >= lowest then return {'absent', '', 1, {}} end
  if ARGV[3] ~= '' then
    redis.call('HSET', KEYS[1], '~', ARGV[3])
    if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
  end
  return {'absent', '', 0, {}}
end
local touched = 0
if now - h[2] >= math.floor(h[3] / 10) then
  slide(h, now)
  keep(KEYS[1], h, now)
  touched = 1
end
return {'live', pack_header(h), touched, all}
"""

# KEYS session; ARGV now, header, writes
CREATE = """
local now = tonumber(ARGV[1])
local found, why = live(KEYS[1], now)
if found then return 'taken' end
if why == 'ended' then return 'ended' end
redis.call('DEL', KEYS[1])
write(KEYS[1], 3)
keep(KEYS[1], unpack_header(ARGV[2]), now)
return ARGV[2]
"""

# KEYS session; ARGV now, idle or '', ends or '', replace 0/1, writes
APPLY = """
local now = tonumber(ARGV[1])
local h, why = live(KEYS[1], now)
if not h then return why end
if ARGV[4] == '1' then redis.call('DEL', KEYS[1]) end
write(KEYS[1], 5)
if ARGV[2] ~= '' then h[3] = tonumber(ARGV[2]); h[5] = tonumber(ARGV[3]) end
h[6] = h[6] + 1
slide(h, now)
keep(KEYS[1], h, now)
return pack_header(h)
"""

# KEYS old session, its last words, new session
# ARGV now, idle or '', ends or '', replace 0/1, reason, tomb ttl, grace, writes
ROTATE = """
local now = tonumber(ARGV[1])
local h, why = live(KEYS[1], now)
if not h then return why end
if redis.call('EXISTS', KEYS[3]) == 1 then return 'ended' end
local all = redis.call('HGETALL', KEYS[1])
redis.call('DEL', KEYS[2])
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 1) == ':' then redis.call('HSET', KEYS[2], all[i], all[i + 1]) end
end
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[7]) end
if ARGV[4] == '1' then redis.call('DEL', KEYS[1]) else redis.call('RENAME', KEYS[1], KEYS[3]) end
bury(KEYS[1], ARGV[5], ARGV[6])
write(KEYS[3], 8)
if ARGV[2] ~= '' then h[3] = tonumber(ARGV[2]); h[5] = tonumber(ARGV[3]) end
h[6] = h[6] + 1
slide(h, now)
keep(KEYS[3], h, now)
return pack_header(h)
"""

# KEYS session; ARGV now
TOUCH = """
local now = tonumber(ARGV[1])
local h = live(KEYS[1], now)
if not h then return 0 end
slide(h, now)
keep(KEYS[1], h, now)
return 1
"""

# KEYS session, its last words; ARGV reason, tomb ttl
BURY = """
redis.call('DEL', KEYS[2])
bury(KEYS[1], ARGV[1], ARGV[2])
return 1
"""

# KEYS session; ARGV now, kind, name, argument, expected or absent
MODIFY = """
local now = tonumber(ARGV[1])
local h, why = live(KEYS[1], now)
if not h then return {why} end
local field = ':' .. ARGV[3]
local current = redis.call('HGET', KEYS[1], field)
local text = ARGV[4]
if ARGV[2] == 'increment' then
  if current and not string.match(current, '^%-?%d+$') then return {'type'} end
  redis.call('HINCRBY', KEYS[1], field, ARGV[4])
  text = redis.call('HGET', KEYS[1], field)
elseif ARGV[2] == 'append' then
  if current and string.sub(current, 1, 1) ~= '[' then return {'type'} end
  if not current or current == '[]' then text = '[' .. text .. ']'
  else text = string.sub(current, 1, -2) .. ',' .. text .. ']' end
  redis.call('HSET', KEYS[1], field, text)
else
  if (current or '') ~= ARGV[5] then return {'conflict'} end
  if text == '' then redis.call('HDEL', KEYS[1], field) else redis.call('HSET', KEYS[1], field, text) end
end
h[6] = h[6] + 1
slide(h, now)
keep(KEYS[1], h, now)
return {'done', text}
"""

# The copies of ``tiered``: SQL has written already, the copy follows or is dropped.

# KEYS session; ARGV now, header with epoch, writes. A copy from an older version than one that is known is refused.
FILL = """
local m = redis.call('HMGET', KEYS[1], '=', '!', '?')
if m[2] then return 0 end
local given = unpack_header(ARGV[2])
if m[3] and given[6] < tonumber(m[3]) then return 0 end
if m[1] then
  local h = unpack_header(m[1])
  if h[7] >= given[7] and h[6] >= given[6] then return 0 end
end
redis.call('DEL', KEYS[1])
write(KEYS[1], 3)
keep(KEYS[1], given, tonumber(ARGV[1]))
return 1
"""

# KEYS session; ARGV now, header with epoch, replace, how long a stale fill may be under way, writes
FOLLOW = """
local m = redis.call('HMGET', KEYS[1], '=', '!', '?')
if m[2] then return 0 end
local given = unpack_header(ARGV[2])
local h = m[1] and unpack_header(m[1])
if h and h[7] >= given[7] and h[6] >= given[6] then return 1 end
if h and h[7] == given[7] and h[6] == given[6] - 1 then
  if ARGV[3] == '1' then redis.call('DEL', KEYS[1]) end
  write(KEYS[1], 5)
  keep(KEYS[1], given, tonumber(ARGV[1]))
  return 1
end
local lowest = math.max(given[6], h and h[6] or 0, tonumber(m[3] or 0))
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '?', string.format('%.0f', lowest))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 0
"""

# KEYS session; ARGV lease, epoch, how long the answer is good. SQL had no such session: believed only if the lease
# still lies here. Whoever made a session meanwhile has taken it away, and so has an eviction.
MARK = """
local m = redis.call('HMGET', KEYS[1], '~', '?')
if m[1] ~= ARGV[1] or m[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '-', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""

# KEYS old session, its last words, new session
# ARGV now, header with epoch, replace, how long a stale fill may be under way, reason, tomb ttl, writes
MOVE = """
local m = redis.call('HMGET', KEYS[1], '=', '!')
local given = unpack_header(ARGV[2])
local h = m[1] and unpack_header(m[1])
local newest = redis.call('HGET', KEYS[3], '=')
if not newest or unpack_header(newest)[6] < given[6] then
  redis.call('DEL', KEYS[3])
  if h and not m[2] and h[7] == given[7] and h[6] == given[6] - 1 then
    if ARGV[3] == '0' then redis.call('RENAME', KEYS[1], KEYS[3]) end
    write(KEYS[3], 7)
    keep(KEYS[3], given, tonumber(ARGV[1]))
  else
    redis.call('HSET', KEYS[3], '?', string.format('%.0f', given[6]))
    redis.call('PEXPIRE', KEYS[3], ARGV[4])
  end
end
redis.call('DEL', KEYS[2])
bury(KEYS[1], ARGV[5], ARGV[6])
return 1
"""
