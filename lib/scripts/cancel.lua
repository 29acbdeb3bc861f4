#!lua flags=allow-oom
-- Cancel a job: at once where it waits, by order to its worker where it runs.
-- Keys: job.<id>, jobs.*, events, metrics, control.<worker>; <queue>.{waiting,scheduled,unserved}, dead. ARGV: id, by whom.
-- Returns {'CANCELLED'}, {'REQUESTED'} (it runs; the next thing that frees it makes it cancelled), {'ENDED', status}, {'UNKNOWN'}.
--@include ends
local job = load(ARGV[1])
if not job or job.status == 'deleted' then return {'UNKNOWN'} end
if job.status == 'in-progress' then
  rec('HSET', job.key, 'cancel_requested', NOW_TEXT, 'cancelled_by', ARGV[2])
  local control = PREFIX .. 'control.' .. job.worker
  rec('XADD', control, 'MAXLEN', '~', 1000, '*', 'order', 'cancel', 'child', job.child, 'token', job.token, 'id', job.id)
  rec('EXPIRE', control, 3600)
  return {'REQUESTED'}
elseif job.status == 'submitted' then
  leave_listed(job)
elseif job.status == 'scheduled' then
  que('ZREM', queue_key(job.queue, 'scheduled'), job.id)
else
  return {'ENDED', job.status}
end
rec('HSET', job.key, 'cancelled_by', ARGV[2])
conclude(job, 'cancelled', 'cancelled')
return {'CANCELLED'}
