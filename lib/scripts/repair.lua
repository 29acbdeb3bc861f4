#!lua flags=allow-oom
-- Put right one job that verify found at odds with the lists, after looking again: a waiting job in no list is pushed, a
-- running job without a lease gets one (and is reaped if nobody renews it).
-- Keys: job.<id>, lists of its queue, <queue>.{waiting,leases,unserved,scheduled}, metrics. ARGV: id. Returns what was done, or ''.
--@include lists
local job = load(ARGV[1])
if not job then return '' end
if job.status == 'submitted' and not que('ZSCORE', queue_key(job.queue, 'unserved'), job.id) then
  local key = list_key(job.queue, job.priority)
  if que('LPOS', key, job.id) or que('LPOS', key .. '.paused', job.id) then return '' end
  push(job, true)
elseif job.status == 'in-progress' and not que('ZSCORE', queue_key(job.queue, 'leases'), job.id) then
  que('ZADD', queue_key(job.queue, 'leases'), seconds(NOW + @LEASE@), job.id)
elseif job.status == 'scheduled' and not que('ZSCORE', queue_key(job.queue, 'scheduled'), job.id) then
  que('ZADD', queue_key(job.queue, 'scheduled'), job.ready, job.id)
else
  return ''
end
count('repaired|' .. job.status)
return job.status
