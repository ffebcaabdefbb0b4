"""What is done over many sessions, and the leases, as scripts (stores/lua.py says how all that lies in Redis)."""

from __future__ import annotations

# KEYS sessions; ARGV now. Key, header and shared texts of each that lives.
LOOK = """
local now, found = tonumber(ARGV[1]), {}
for _, key in ipairs(KEYS) do
  local m = redis.call('HMGET', key, '=', unpack(SHOWN))
  local h = m[1] and unpack_header(m[1])
  if h and now < h[4] and h[5] < FOREVER then
    table.insert(m, 1, id_of(key))
    found[#found + 1] = m
  end
end
return found
"""

# ARGV now, limit, how many to look at, score to begin at, how many of that score to pass over, name and text of each.
# Gives what was found, whether that is all, and where to go on. Each is held against its hash: an index says where to
# look, the hash what is.
FIND = """
local now, limit, budget = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local top, skip = ARGV[4], tonumber(ARGV[5])
local index, fewest, indexes, fields = P .. ':live', math.huge, {}, {'='}
for i = 6, #ARGV, 2 do
  local key = term_key(ARGV[i], ARGV[i + 1])
  local size = redis.call('ZCARD', key)
  if size < fewest then index, fewest = key, size end
  indexes[#indexes + 1] = key
  fields[#fields + 1] = ':' .. ARGV[i]
end
local wanted = #fields
for _, field in ipairs(SHOWN) do fields[#fields + 1] = field end
local found, all = {}, 0
while #found < limit and budget > 0 and all == 0 do
  local size = math.min(budget, wanted <= 2 and limit - #found or 200)
  local page = redis.call('ZRANGE', index, top, '(' .. ARGV[1], 'BYSCORE', 'REV', 'LIMIT', skip, size, 'WITHSCORES')
  if #page < 2 * size then all = 1 end
  local ids, elsewhere = {}, {}
  for i = 1, #page, 2 do ids[#ids + 1] = page[i] end
  for _, other in ipairs(indexes) do
    if other ~= index and #ids > 0 then elsewhere[#elsewhere + 1] = redis.call('ZMSCORE', other, unpack(ids)) end
  end
  for i, id in ipairs(ids) do
    if #found == limit then
      all = 0
      break
    end
    if page[2 * i] == top then skip = skip + 1 else top, skip = page[2 * i], 1 end
    local fits = true
    for _, scores in ipairs(elsewhere) do fits = fits and scores[i] end
    if fits then
      local m = redis.call('HMGET', P .. ':s:' .. id, unpack(fields))
      fits = m[1] and now < unpack_header(m[1])[4]
      for n = 2, wanted do fits = fits and m[n] == ARGV[2 * n + 3] end
      if fits then
        local row = {id, m[1]}
        for n = wanted + 1, #fields do row[#row + 1] = m[n] end
        found[#found + 1] = row
      end
    end
  end
  budget = budget - #ids
end
return {found, all, top, skip}
"""

# ARGV now, name, text, key to spare, reason, tomb ttl, how many at most (Lua hands over no more than 8,000
# arguments: two of each session's). Gives how many ended, and whether that is all. What can be done for all of them at
# once is: each call costs Redis a microsecond in which nobody else is served.
END_WHERE = """
local now, index, at = tonumber(ARGV[1]), term_key(ARGV[2], ARGV[3]), 0
for n, name in ipairs(NAMES) do if name == ARGV[2] then at = n end end
local ids = redis.call('ZRANGE', index, '(' .. ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[7])
if #ids == 0 then return {0, 1} end
local known, gone, ended, keys, graves = redis.call('ZMSCORE', P .. ':live', unpack(ids)), {}, {}, {}, {}
for n, id in ipairs(ids) do
  if id ~= ARGV[4] then
    local key = P .. ':s:' .. id
    local texts = watched(key)
    gone[#gone + 1] = id
    if texts[at] == ARGV[3] then
      if known[n] then tell('ended', id, now, ARGV[5], '', displace(id, texts, at)) end
      ended[#ended + 1] = id
      graves[#graves + 1] = key
      keys[#keys + 1] = key
      keys[#keys + 1] = P .. ':w:' .. id
    end
  end
end
if #gone > 0 then redis.call('ZREM', index, unpack(gone)) end
if #ended > 0 then
  redis.call('ZREM', P .. ':live', unpack(ended))
  if CAPPED then redis.call('ZREM', P .. ':anon', unpack(ended)) end
  redis.call('DEL', unpack(keys))
end
for _, key in ipairs(graves) do
  redis.call('HSET', key, '!', ARGV[5])
  redis.call('PEXPIRE', key, ARGV[6])
end
return {#ended, #ids < tonumber(ARGV[7]) and 1 or 0}
"""

# ARGV now, limit, how many may live or 0. Gives the number of what had expired, and of what was too many.
# What is too many goes as if it had expired: it leaves no tombstone, for a crowd's would be a crowd of tombstones.
SWEEP = """
local now, limit, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local due = redis.call('ZRANGE', P .. ':live', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, limit)
for _, id in ipairs(due) do
  local key = P .. ':s:' .. id
  leave(key, now, 'expired')
  if not redis.call('HGET', key, '!') then redis.call('UNLINK', key) end
end
if most == 0 then return {#due, 0} end
local excess = math.min(redis.call('ZCOUNT', P .. ':live', '(' .. ARGV[1], '+inf') - most, limit)
if excess <= 0 then return {#due, 0} end
local crowd, ended = redis.call('ZRANGE', P .. ':anon', 0, limit - 1, 'WITHSCORES'), 0
for i = 1, #crowd, 2 do
  if ended < excess then
    local key = P .. ':s:' .. crowd[i]
    local m = redis.call('HMGET', key, '=', FIELDS[OWNER_AT])
    local seen = m[1] and number(unpack_header(m[1])[2])
    if not seen or m[2] then
      redis.call('ZREM', P .. ':anon', crowd[i])
    elseif seen ~= crowd[i + 1] then
      redis.call('ZADD', P .. ':anon', seen, crowd[i])
    else
      leave(key, now, 'crowded')
      redis.call('UNLINK', key)
      ended = ended + 1
    end
  end
end
return {#due, ended}
"""

# KEYS lease, wake-ups; ARGV token, now, how long. Redis forgets a lease at its end, whatever the caller's clock says.
ACQUIRE = """
local lease, now = redis.call('GET', KEYS[1]), tonumber(ARGV[2])
if lease then
  local ends, holder = string.match(lease, '^(%d+) (.*)$')
  if holder ~= ARGV[1] and now < tonumber(ends) then return 0 end
end
redis.call('SET', KEYS[1], number(now + tonumber(ARGV[3])) .. ' ' .. ARGV[1], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
"""

# KEYS lease, wake-ups; ARGV token, how long a wake-up lies for one who is about to wait
RELEASE = """
local lease = redis.call('GET', KEYS[1])
if not lease or string.match(lease, '^%d+ (.*)$') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('RPUSH', KEYS[2], '1')
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
"""
