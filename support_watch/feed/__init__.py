"""The feed in Redis: connections, Lua scripts, writes of shoppers' pages and reads for staff."""
