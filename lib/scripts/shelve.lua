#!lua flags=allow-oom
-- Take a schedule that cannot be read out of those that are due, if it still is as it was read; it stays as it is until somebody replaces or
--   deletes it. Keys: schedules.due, schedule.<id>, damaged. ARGV: id, when it was updated as its record says or '', what is wrong with it.
-- Returns 1, or 0 where it was changed meanwhile.
--@include base
local key = PREFIX .. 'schedule.' .. ARGV[1]
local updated = rec('HGET', key, 'updated') or ''
if updated ~= ARGV[2] then return 0 end
rec('ZREM', PREFIX .. 'schedules.due', ARGV[1])
if ARGV[3] ~= '' then note_damage(key, ARGV[3]) end
return 1
