-- A shopper withdraws consent. ARGV: epoch, visit, keep. Takes the visit's earlier events out of the stream, and all
-- that is known of it but its presence. The gap in the numbers makes a reader replay what is left, which is complete.
local visit, keep = ARGV[2], ARGV[3]
for _, found in ipairs(redis.call("XRANGE", stream, "-", "+")) do
  for index = 1, #found[2], 2 do
    if found[2][index] == "visit" and found[2][index + 1] == visit then
      redis.call("XDEL", stream, found[1])
    end
  end
end
redis.call("HDEL", handles, visit)
local known = read_entry(visit)
local entry =
  { at = known and known.at, level = 0, trail = {}, state = known and known.state, tabs = known and known.tabs }
if known then
  redis.call("HSET", values, visit, cjson.encode(entry))
end
emit("redact", visit, keep, entry)
return 1
