#!lua flags=allow-oom
-- Order a worker to take no more jobs, or to go on: kept for its beats, and put on its control stream.
-- Keys: workers, worker.<name>, control.<name>. ARGV: worker, drain or resume.
-- Returns 'OK', 'UNKNOWN', or 'CONSUMER' (a program of its own, which takes no orders).
--@include base
local worker, order = ARGV[1], ARGV[2]
local key, control = PREFIX .. 'worker.' .. worker, PREFIX .. 'control.' .. worker
local info = rec('HGET', key, 'info')
if not info or not rec('ZSCORE', PREFIX .. 'workers', worker) then return 'UNKNOWN' end
if decoded(info, {}).kind ~= 'worker' then return 'CONSUMER' end
rec('HSET', key, 'order', order, 'ordered', NOW_TEXT)
rec('XADD', control, 'MAXLEN', '~', 1000, '*', 'order', order, 'at', NOW_TEXT)
rec('EXPIRE', control, 3600)
return 'OK'
