-- The visit that a shopper has here, "" for none. ARGV: epoch (unused), then the aliases of the shopper.
for index = 2, #ARGV do
  local known = redis.call("GET", root .. ":alias:" .. ARGV[index])
  if known then
    return known
  end
end
return ""
