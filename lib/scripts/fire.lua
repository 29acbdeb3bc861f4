#!lua
-- Fire a schedule that is due: accept its job and set its next time, once however many ask. No allow-oom: refused at full memory.
-- Keys: schedules, schedule.<id>; those of submit. ARGV: schedule, the due time as its record says it, next due time or '' (none),
--   times that were missed, due time the job is for or '' (no job: only move on), why there is none or '', then as submit.
-- Returns {'GONE'} (it was fired, changed, paused or deleted meanwhile), or what parts/accepting.lua says, or {'OK'} without a job.
--@include accepting
local id, due, next_due, missed, for_time = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local key = PREFIX .. 'schedule.' .. id
local known = rec('HMGET', key, 'next', 'paused')
if known[1] ~= due or known[2] == '1' then return {'GONE'} end
local reply = {'OK'}
if for_time ~= '' then
  reply = accept(ARGV[7], '', ARGV, 9, false)
  if reply[1] ~= 'OK' then
    rec('HSET', key, 'problem', 'queue ' .. ARGV[7] .. (reply[1] == 'FULL' and ' was full at ' or ' accepted nothing at ') .. NOW_TEXT)
    return reply
  end
  rec('HSET', key, 'last', for_time, 'last_job', reply[5])
  rec('HINCRBY', key, 'fired', 1)
  if reply[4] == 'CONFLICT' then
    rec('HSET', key, 'problem', 'the id ' .. reply[5] .. ' stood for another job')
  else
    rec('HDEL', key, 'problem')
  end
  count('schedule_fired')
end
if ARGV[6] ~= '' then rec('HSET', key, 'problem', ARGV[6]) end
if missed > 0 then
  rec('HINCRBY', key, 'missed_count', missed)
  count('schedule_missed', missed)
end
rec('HSET', key, 'next', next_due)
if next_due == '' then
  rec('ZREM', PREFIX .. 'schedules.due', id)
else
  rec('ZADD', PREFIX .. 'schedules.due', next_due, id)
end
return reply
