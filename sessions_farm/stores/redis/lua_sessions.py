"""What a request does with one session, as scripts (stores/lua.py says how a session lies in Redis)."""

from __future__ import annotations

# KEYS session; ARGV now and, of a copy, lowest epoch, lease, how long the lease is good
# Gives a word, a number and pairs of fields and texts. The number: 1 where a live session was touched, or where it is
# known that SQL has none. Who finds no copy gets the lease that lies there: its own, or that of readers already asking.
# What most pages ask comes before anything that only the others need: it is a third faster.
LOAD_FIRST = """
local now, lowest, all, text = tonumber(ARGV[1]), tonumber(ARGV[2] or 0), redis.call('HGETALL', KEYS[1]), nil
for i = #all - 1, 1, -2 do
  if all[i] == '=' then
    text = all[i + 1]
    break
  end
end
if text then
  local seen, idle, expires, epoch = string.match(text, '^%d+ (%d+) (%d+) (%d+) %d+ %d+ (%d+)')
  if now < tonumber(expires) and tonumber(epoch) >= lowest and now - seen < math.floor(idle / TOUCH_FRACTION) then
    return {'live', 0, all}
  end
end
"""
LOAD = """
local none
for i = 1, #all, 2 do
  if all[i] == '-' then none = tonumber(all[i + 1]) end
  if all[i] == '!' then return {'ended', 0, redis.call('HGETALL', P .. ':w:' .. id_of(KEYS[1]))} end
end
local h = text and unpack_header(text)
if not h or now >= h[4] or h[7] < lowest then
  if none and none >= lowest then return {'absent', 1, {}} end
  if ARGV[3] then
    redis.call('HSETNX', KEYS[1], '~', ARGV[3])
    if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
    return {'absent', 0, {'~', redis.call('HGET', KEYS[1], '~')}}
  end
  return {'absent', 0, {}}
end
slide(h, now)
keep(KEYS[1], h, now)
settle(KEYS[1], h, nil, now)
return {'live', 1, redis.call('HGETALL', KEYS[1])}
"""

# KEYS session; ARGV now, header, writes
CREATE = """
local now = tonumber(ARGV[1])
local found, why = live(KEYS[1], now)
if found then return 'taken' end
if why == 'ended' then return 'ended' end
leave(KEYS[1], now, 'expired')
redis.call('DEL', KEYS[1])
local h = unpack_header(ARGV[2])
write(KEYS[1], 3)
keep(KEYS[1], h, now)
settle(KEYS[1], h, {}, now)
if h[5] < FOREVER then tell('started', id_of(KEYS[1]), now, '', '', {}) end
return ARGV[2]
"""

# KEYS session; ARGV now, idle or '', ends or '', replace 0/1, step or '', holder or '', writes
APPLY = """
local now, replace, step = tonumber(ARGV[1]), ARGV[4] == '1', ARGV[5]
local h, why = live(KEYS[1], now)
if not h then return why end
local steps = redis.call('HGET', KEYS[1], '#')
if knows(steps, step) then return pack_header(h) end
if ARGV[6] ~= '' and not is_held(KEYS[1], ARGV[6], now) then return 'lost' end
if not can_add(KEYS[1], 7, replace) then return 'type' end
local before = watched(KEYS[1])
if replace then redis.call('DEL', KEYS[1]) end
write(KEYS[1], 7)
if step ~= '' or replace then remember(KEYS[1], steps, step) end
if ARGV[2] ~= '' then h[3] = tonumber(ARGV[2]); h[5] = tonumber(ARGV[3]) end
h[6] = h[6] + 1
slide(h, now)
keep(KEYS[1], h, now)
settle(KEYS[1], h, before, now)
return pack_header(h)
"""

# KEYS old session, its last words, new session
# ARGV now, idle or '', ends or '', replace 0/1, step or '', holder or '', tomb ttl, grace, writes
ROTATE = """
local now, replace, step = tonumber(ARGV[1]), ARGV[4] == '1', ARGV[5]
local h, why = live(KEYS[1], now)
if not h then return why end
if ARGV[6] ~= '' and not is_held(KEYS[1], ARGV[6], now) then return 'lost' end
local there, free = live(KEYS[3], now)
if there then return 'taken' end
if free == 'ended' then return 'ended' end
if not can_add(KEYS[1], 9, replace) then return 'type' end
leave(KEYS[3], now, 'expired')
redis.call('DEL', KEYS[3])
local before, steps = watched(KEYS[1]), redis.call('HGET', KEYS[1], '#')
local is_known = withdraw(KEYS[1])
local all = redis.call('HGETALL', KEYS[1])
redis.call('DEL', KEYS[2])
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 1) == ':' then redis.call('HSET', KEYS[2], all[i], all[i + 1]) end
end
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[8]) end
if replace then redis.call('DEL', KEYS[1]) else redis.call('RENAME', KEYS[1], KEYS[3]) end
bury(KEYS[1], 'rotated', ARGV[7])
write(KEYS[3], 9)
remember(KEYS[3], steps, step)
if ARGV[2] ~= '' then h[3] = tonumber(ARGV[2]); h[5] = tonumber(ARGV[3]) end
h[6] = h[6] + 1
slide(h, now)
keep(KEYS[3], h, now)
settle(KEYS[3], h, before, now)
if is_known then tell('rotated', id_of(KEYS[1]), now, '', id_of(KEYS[3]), {}) end
return pack_header(h)
"""

# KEYS session; ARGV now
TOUCH = """
local now = tonumber(ARGV[1])
local h = live(KEYS[1], now)
if not h then return 0 end
slide(h, now)
keep(KEYS[1], h, now)
settle(KEYS[1], h, nil, now)
return 1
"""

# KEYS session, its last words; ARGV now, reason, tomb ttl
DELETE = """
leave(KEYS[1], tonumber(ARGV[1]), ARGV[2])
redis.call('DEL', KEYS[2])
bury(KEYS[1], ARGV[2], ARGV[3])
return 1
"""

# KEYS session; ARGV now, step or '', kind, name, argument, expected or absent
MODIFY = """
local now, step = tonumber(ARGV[1]), ARGV[2]
local h, why = live(KEYS[1], now)
if not h then return {why} end
local field = ':' .. ARGV[4]
local current, steps = unpack(redis.call('HMGET', KEYS[1], field, '#'))
if knows(steps, step) then return {'done', current or ''} end
local text, before = ARGV[5], watched(KEYS[1])
if ARGV[3] == 'increment' then
  if current and not is_whole(current) or not is_whole(text) then return {'type'} end
  redis.call('HINCRBY', KEYS[1], field, text)
  text = redis.call('HGET', KEYS[1], field)
elseif ARGV[3] == 'append' then
  if current and string.sub(current, 1, 1) ~= '[' then return {'type'} end
  if not current or current == '[]' then text = '[' .. text .. ']'
  else text = string.sub(current, 1, -2) .. ',' .. text .. ']' end
  redis.call('HSET', KEYS[1], field, text)
else
  if (current or '') ~= ARGV[6] then return {'conflict'} end
  if text == '' then redis.call('HDEL', KEYS[1], field) else redis.call('HSET', KEYS[1], field, text) end
end
if step ~= '' then remember(KEYS[1], steps, step) end
h[6] = h[6] + 1
slide(h, now)
keep(KEYS[1], h, now)
settle(KEYS[1], h, before, now)
return {'done', text}
"""
