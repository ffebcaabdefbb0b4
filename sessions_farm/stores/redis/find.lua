-- Find live sessions by their indexed variables. Return rows, whether they are all, and where to go on.
-- ARGV: now, limit, how many to look at, score to begin at, how many of that score to skip, name and text of each term.
-- An index says where to look, the hash what is true: each row is compared with its hash.
-- luacheck: read_globals PREFIX SHOWN
local now, limit, budget = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local top, skip = ARGV[4], tonumber(ARGV[5])
local index, fewest, indexes, fields = PREFIX .. ":live", math.huge, {}, { "=" }
for i = 6, #ARGV, 2 do
  local key = term_key(ARGV[i], ARGV[i + 1])
  local size = redis.call("ZCARD", key)
  if size < fewest then
    index, fewest = key, size
  end
  indexes[#indexes + 1] = key
  fields[#fields + 1] = ":" .. ARGV[i]
end
local wanted = #fields
for _, field in ipairs(SHOWN) do
  fields[#fields + 1] = field
end
local found, all = {}, 0
while #found < limit and budget > 0 and all == 0 do
  local size = math.min(budget, wanted <= 2 and limit - #found or 200)
  local page = redis.call("ZRANGE", index, top, "(" .. ARGV[1], "BYSCORE", "REV", "LIMIT", skip, size, "WITHSCORES")
  if #page < 2 * size then
    all = 1
  end
  local ids, elsewhere = {}, {}
  for i = 1, #page, 2 do
    ids[#ids + 1] = page[i]
  end
  for _, other in ipairs(indexes) do
    if other ~= index and #ids > 0 then
      elsewhere[#elsewhere + 1] = redis.call("ZMSCORE", other, unpack(ids))
    end
  end
  for i, id in ipairs(ids) do
    if #found == limit then
      all = 0
      break
    end
    if page[2 * i] == top then
      skip = skip + 1
    else
      top, skip = page[2 * i], 1
    end
    local fits = true
    for _, scores in ipairs(elsewhere) do
      fits = fits and scores[i]
    end
    if fits then
      local m = redis.call("HMGET", PREFIX .. ":s:" .. id, unpack(fields))
      fits = m[1] and now < unpack_header(m[1])[4]
      for n = 2, wanted do
        fits = fits and m[n] == ARGV[2 * n + 3]
      end
      if fits then
        local row = { id, m[1] }
        for n = wanted + 1, #fields do
          row[#row + 1] = m[n]
        end
        found[#found + 1] = row
      end
    end
  end
  budget = budget - #ids
end
return { found, all, top, skip }
