-- End the sessions with one text in an indexed variable. Return how many ended, and whether they were all.
-- ARGV: now, name, text, key to spare, reason, tombstone ttl, how many at most (Lua passes no more than 8,000
-- arguments: two for each session). Work is done for all of them at once where it can be: each call costs Redis a
-- microsecond in which it serves no other client.
-- luacheck: read_globals CAPPED NAMES PREFIX
local now, index, at = tonumber(ARGV[1]), term_key(ARGV[2], ARGV[3]), 0
for n, name in ipairs(NAMES) do
  if name == ARGV[2] then
    at = n
  end
end
local ids = redis.call("ZRANGE", index, "(" .. ARGV[1], "+inf", "BYSCORE", "LIMIT", 0, ARGV[7])
if #ids == 0 then
  return { 0, 1 }
end
local scores, gone, ended, keys, tombstones = redis.call("ZMSCORE", PREFIX .. ":live", unpack(ids)), {}, {}, {}, {}
for n, id in ipairs(ids) do
  if id ~= ARGV[4] then
    local key = PREFIX .. ":s:" .. id
    local texts = declared_texts(key)
    gone[#gone + 1] = id
    if texts[at] == ARGV[3] then
      if scores[n] then
        add_event("ended", id, now, ARGV[5], "", remove_terms(id, texts, at))
      end
      ended[#ended + 1] = id
      tombstones[#tombstones + 1] = key
      keys[#keys + 1] = key
      keys[#keys + 1] = PREFIX .. ":v:" .. id
    end
  end
end
if #gone > 0 then
  redis.call("ZREM", index, unpack(gone))
end
if #ended > 0 then
  redis.call("ZREM", PREFIX .. ":live", unpack(ended))
  if CAPPED then
    redis.call("ZREM", PREFIX .. ":anon", unpack(ended))
  end
  redis.call("DEL", unpack(keys))
end
for _, key in ipairs(tombstones) do
  redis.call("HSET", key, "!", ARGV[5])
  redis.call("PEXPIRE", key, ARGV[6])
end
return { #ended, #ids < tonumber(ARGV[7]) and 1 or 0 }
