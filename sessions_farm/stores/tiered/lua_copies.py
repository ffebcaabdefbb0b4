"""The copies of ``tiered``, as scripts: SQL has written already, the copy follows or is dropped."""

from __future__ import annotations

# A key may see one session expire and the next be made: they are told apart by when they were created.
ORDER = """
local function is_newer(h, given)
  return h[7] >= given[7] and (h[1] > given[1] or h[1] == given[1] and h[6] >= given[6])
end
local function is_one_before(h, given)
  return h[7] == given[7] and h[1] == given[1] and h[6] == given[6] - 1
end
"""

# What it says now it will never say again once this Redis has forgotten a key before its time.
HEARD = """
local function pulse()
  local since = redis.call('GET', P .. ':pulse')
  return since and since .. ' ' .. string.match(redis.call('INFO', 'stats'), 'evicted_keys:(%d+)')
end
"""

# KEYS the pulse; ARGV its beginning, if none is there, how long it stays. Which process this is, and its pulse.
PULSE = (
    HEARD
    + """
redis.call('SET', KEYS[1], ARGV[1], 'NX')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {string.match(redis.call('INFO', 'server'), 'run_id:(%w+)'), pulse()}
"""
)

# KEYS session; ARGV now, header with epoch, lease, writes. A reader's copy: good only while the lease that was here
# before it asked SQL still is. Whoever has written meanwhile has taken it away, and so has an eviction.
FILL = (
    ORDER
    + """
local m = redis.call('HMGET', KEYS[1], '=', '!', '?', '~')
if m[4] ~= ARGV[3] then return 0 end
if m[2] then return 0 end
local given = unpack_header(ARGV[2])
if m[3] and given[6] < tonumber(m[3]) then return 0 end
if m[1] and is_newer(unpack_header(m[1]), given) then return 0 end
redis.call('DEL', KEYS[1])
write(KEYS[1], 4)
keep(KEYS[1], given, tonumber(ARGV[1]))
return 1
"""
)

# KEYS session; ARGV now, header with epoch, pulse, how long a stale fill may be under way, writes. The copy of who made
# the session: nothing of it was here before, so what tells that nobody wrote meanwhile is that no key was forgotten.
MAKE = (
    ORDER
    + HEARD
    + """
local m = redis.call('HMGET', KEYS[1], '=', '!', '?')
if m[2] then return 0 end
local given = unpack_header(ARGV[2])
if m[3] and given[6] < tonumber(m[3]) then return 0 end
if m[1] and is_newer(unpack_header(m[1]), given) then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[3] ~= pulse() then
  redis.call('HSET', KEYS[1], '?', number(given[6]))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  return 0
end
write(KEYS[1], 5)
keep(KEYS[1], given, tonumber(ARGV[1]))
return 1
"""
)

# KEYS session; ARGV now, header with epoch, replace, how long a stale fill may be under way, writes
FOLLOW = (
    ORDER
    + """
local m = redis.call('HMGET', KEYS[1], '=', '!', '?')
if m[2] then return 0 end
local given = unpack_header(ARGV[2])
local h = m[1] and unpack_header(m[1])
if h and is_newer(h, given) then return 1 end
if h and is_one_before(h, given) and can_add(KEYS[1], 5, ARGV[3] == '1') then
  if ARGV[3] == '1' then redis.call('DEL', KEYS[1]) end
  write(KEYS[1], 5)
  keep(KEYS[1], given, tonumber(ARGV[1]))
  return 1
end
local lowest = math.max(given[6], h and h[1] == given[1] and h[6] or 0, tonumber(m[3] or 0))
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '?', number(lowest))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 0
"""
)

# KEYS session; ARGV lease, epoch, how long the answer is good. SQL had no such session: believed only if the lease
# still lies here, as in FILL.
MARK = """
local m = redis.call('HMGET', KEYS[1], '~', '?')
if m[1] ~= ARGV[1] or m[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '-', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""

# KEYS old session, its last words, new session
# ARGV now, header with epoch, replace, how long a stale fill may be under way, tomb ttl, pulse, writes
MOVE = (
    ORDER
    + HEARD
    + """
local m = redis.call('HMGET', KEYS[1], '=', '!')
local given = unpack_header(ARGV[2])
local h = m[1] and unpack_header(m[1])
local newest = redis.call('HMGET', KEYS[3], '=', '?', '!')
local there = newest[1] and unpack_header(newest[1])
if not newest[3] and (not there or tonumber(ARGV[1]) >= there[4] or not is_newer(there, given)) then
  redis.call('DEL', KEYS[3])
  if h and not m[2] and not newest[2] and is_one_before(h, given)
    and can_add(KEYS[1], 7, ARGV[3] == '1') and ARGV[6] == pulse() then
    if ARGV[3] == '0' then redis.call('RENAME', KEYS[1], KEYS[3]) end
    write(KEYS[3], 7)
    keep(KEYS[3], given, tonumber(ARGV[1]))
  else
    redis.call('HSET', KEYS[3], '?', number(math.max(given[6], tonumber(newest[2] or 0))))
    redis.call('PEXPIRE', KEYS[3], ARGV[4])
  end
end
redis.call('DEL', KEYS[2])
bury(KEYS[1], 'rotated', ARGV[5])
return 1
"""
)

# KEYS session and its last words, of each; ARGV reason, tomb ttl
BURY = """
for n = 1, #KEYS, 2 do
  redis.call('DEL', KEYS[n + 1])
  bury(KEYS[n], ARGV[1], ARGV[2])
end
return 1
"""

# KEYS sessions; ARGV a version that no session reaches, how long. Nobody knows what SQL has, or will have in a moment:
# until that is over there is no copy, and no reader may make one. What has ended stays so.
DOUBT = """
for _, key in ipairs(KEYS) do
  if not redis.call('HGET', key, '!') then
    redis.call('DEL', key)
    redis.call('HSET', key, '?', ARGV[1])
    redis.call('PEXPIRE', key, ARGV[2])
  end
end
return 1
"""

# KEYS sessions that SQL swept; ARGV now, a version that no session reaches, how long. What has expired here too is
# what any reader under way would bring; a copy that seems to live is of a session that SQL knew better about.
DROP = """
for _, key in ipairs(KEYS) do
  local m = redis.call('HMGET', key, '=', '!')
  redis.call('HDEL', key, '~')
  if m[1] and not m[2] then
    redis.call('UNLINK', key)
    if tonumber(ARGV[1]) < unpack_header(m[1])[4] then
      redis.call('HSET', key, '?', ARGV[2])
      redis.call('PEXPIRE', key, ARGV[3])
    end
  end
end
return 1
"""
