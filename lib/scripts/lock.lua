#!lua flags=allow-oom
-- The upkeep lock: take it, keep it, or give it back. Its time to live frees it when its holder dies.
-- Keys: upkeep.lock. ARGV: holder, milliseconds (0: give back). Returns 1 where the holder has it.
--@include base
local key = PREFIX .. 'upkeep.lock'
local holder = rec('GET', key)
if holder and holder ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  rec('DEL', key)
else
  rec('SET', key, ARGV[1], 'PX', ARGV[2])
end
return 1
