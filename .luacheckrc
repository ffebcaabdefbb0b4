-- Luacheck's settings: Redis' own Lua 5.1, and one rule of ours: a prelude*.lua is put before each script beside it, so
-- the scripts may read its top-level locals, and it need not use them all itself. Constants that a Python module puts
-- before a file are declared in that file (`-- luacheck: read_globals NAME`).
stds.redis = {
  read_globals = {
    'ARGV', 'KEYS', 'assert', 'bit', 'cjson', 'cmsgpack', 'error', 'getmetatable', 'ipairs', 'math', 'next', 'pairs',
    'pcall', 'rawequal', 'rawget', 'rawset', 'redis', 'select', 'setmetatable', 'string', 'struct', 'table', 'tonumber',
    'tostring', 'type', 'unpack', 'xpcall',
  },
}
std = 'redis'
max_line_length = 120

local function names_of(prelude)
  local names = {}
  for line in io.lines(prelude) do
    local list = line:match('^local ([%a_][%w_, ]*)')
    local name = line:match('^local function ([%a_][%w_]*)')
    for each in (name or list or ''):gmatch('[%a_][%w_]*') do names[#names + 1] = each end
  end
  return names
end

local found = io.popen("find . -path './.*' -prune -o -name node_modules -prune -o -name 'prelude*.lua' -print")
for path in found:lines() do
  local prelude = path:gsub('^%./', '')
  local folder = prelude:match('^(.*/)') or ''
  local names = names_of(prelude)
  local beside = files[folder .. '*.lua']
  beside.read_globals = beside.read_globals or {}
  for _, name in ipairs(names) do table.insert(beside.read_globals, name) end
  files[prelude] = { ignore = { '211' }, not_globals = names }
end
found:close()
