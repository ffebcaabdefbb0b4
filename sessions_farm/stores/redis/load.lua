-- Load a session, and touch it where that is due. KEYS: session. ARGV: now; of a copy also the lowest epoch, a lease,
-- its ms. Return a word, a number, and pairs of fields and texts. The number is 1 where a live session was touched, or
-- where SQL is known to have none. A reader that finds no copy gets the lease that lies there, its own or an earlier
-- reader's: readers share it, so a stampede of them costs no copy.
-- The part before the prelude answers most pages; without the prelude it is a third faster.
-- luacheck: read_globals PREFIX TOUCH_FRACTION
local now, lowest, all, text = tonumber(ARGV[1]), tonumber(ARGV[2] or 0), redis.call("HGETALL", KEYS[1]), nil
for i = #all - 1, 1, -2 do
  if all[i] == "=" then
    text = all[i + 1]
    break
  end
end
if text then
  local seen, idle, expires, epoch = string.match(text, "^%d+ (%d+) (%d+) (%d+) %d+ %d+ (%d+)")
  if now < tonumber(expires) and tonumber(epoch) >= lowest and now - seen < math.floor(idle / TOUCH_FRACTION) then
    return { "live", 0, all }
  end
end
-- PRELUDE

local none
for i = 1, #all, 2 do
  if all[i] == "-" then
    none = tonumber(all[i + 1])
  end
  if all[i] == "!" then
    return { "ended", 0, redis.call("HGETALL", PREFIX .. ":v:" .. id_of(KEYS[1])) }
  end
end
local h = text and unpack_header(text)
if not h or now >= h[4] or h[7] < lowest then
  if none and none >= lowest then
    return { "absent", 1, {} }
  end
  if ARGV[3] then
    redis.call("HSETNX", KEYS[1], "~", ARGV[3])
    if redis.call("PTTL", KEYS[1]) < tonumber(ARGV[4]) then
      redis.call("PEXPIRE", KEYS[1], ARGV[4])
    end
    return { "absent", 0, { "~", redis.call("HGET", KEYS[1], "~") } }
  end
  return { "absent", 0, {} }
end
touch_header(h, now)
put_header(KEYS[1], h, now)
update_indexes(KEYS[1], h, nil, now)
return { "live", 1, redis.call("HGETALL", KEYS[1]) }
