#!lua
-- Create a schedule, or replace one.
-- Keys: schedules, schedules.due, schedule.<id>, metrics. ARGV: id, mode ('create': a known id is only replayed; 'replace'),
--   digest of its content, next due time or '', most schedules there may be, number of values, field, value, ...
-- Returns {'CREATED'}, {'REPLACED'}, {'SAME'} (it stood there with the same digest: nothing written), {'CONFLICT'}
--   (create: it stands there with another one), {'FULL'}.
--@include base
local id, mode, digest, next_due = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local key, index = PREFIX .. 'schedule.' .. id, PREFIX .. 'schedules'
local known = rec('HMGET', key, 'digest', 'created', 'paused')
if known[1] == digest then return {'SAME'} end
if known[1] and mode == 'create' then return {'CONFLICT'} end
if not known[1] and rec('ZCARD', index) >= tonumber(ARGV[5]) then return {'FULL'} end
if known[1] then rec('HDEL', key, 'cron', 'every', 'timezone', 'by', 'problem', 'request_id', 'traceparent') end
rec('HSET', key, 'id', id, 'digest', digest, 'created', known[2] or NOW_TEXT, 'updated', NOW_TEXT, 'next', next_due,
  'paused', known[3] or '0', unpack(ARGV, 7, 6 + tonumber(ARGV[6])))
if not known[1] then rec('ZADD', index, NOW_US, id) end
if next_due == '' or known[3] == '1' then
  rec('ZREM', PREFIX .. 'schedules.due', id)
else
  rec('ZADD', PREFIX .. 'schedules.due', next_due, id)
end
return {known[1] and 'REPLACED' or 'CREATED'}
