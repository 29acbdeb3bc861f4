#!lua flags=allow-oom
-- Pause, resume or delete a schedule. Keys: schedules, schedules.due, schedule.<id>.
-- ARGV: id, 'pause', 'resume' or 'delete', next due time or '' (resume: its times while it was paused are not made up for).
-- Returns 1, or 0 where there is none of that id. Twice is the same as once.
--@include base
local id, order, next_due = ARGV[1], ARGV[2], ARGV[3]
local key, due = PREFIX .. 'schedule.' .. id, PREFIX .. 'schedules.due'
local paused = rec('HGET', key, 'paused')
if not paused and order ~= 'delete' then return 0 end
if order == 'delete' then
  rec('DEL', key)
  rec('ZREM', PREFIX .. 'schedules', id)
  rec('ZREM', due, id)
  return paused and 1 or 0
elseif order == 'pause' then
  rec('HSET', key, 'paused', '1')
  rec('ZREM', due, id)
elseif paused == '1' then
  rec('HSET', key, 'paused', '0', 'next', next_due)
  if next_due ~= '' then rec('ZADD', due, next_due, id) end
end
return 1
