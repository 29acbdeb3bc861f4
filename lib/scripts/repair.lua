#!lua flags=allow-oom
-- Put right one job that verify found at odds with the lists, after looking again: a waiting job in no list is pushed, a
-- running job without a lease gets one (and is reaped if nobody renews it).
-- Keys: job.<id>, lists of its queue, <queue>.{waiting,leases,unserved,limited,scheduled}, metrics. ARGV: id. Returns what was done, or ''.
--@include lists
local job = load(ARGV[1])
if not job then return '' end
local function lies_in(part) return que('ZSCORE', queue_key(job.queue, part), job.id) end
if job.status == 'submitted' and not lies_in('unserved') and not lies_in('limited') then
  local key = list_key(job.queue, job.priority)
  if que('LPOS', key, job.id) or que('LPOS', key .. '.paused', job.id) then return '' end
  push(job, true)
elseif job.status == 'in-progress' and not lies_in('leases') then
  que('ZADD', queue_key(job.queue, 'leases'), seconds(NOW + @LEASE@), job.id)
elseif job.status == 'scheduled' and not lies_in('scheduled') then
  que('ZADD', queue_key(job.queue, 'scheduled'), job.ready, job.id)
else
  return ''
end
count('repaired|' .. job.status)
return job.status
