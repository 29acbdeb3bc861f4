#!lua flags=allow-oom
-- Delete a job and all that belongs to it. A waiting one is cancelled first; a running one must be cancelled by its caller.
-- Keys: job.<id>*, jobs.*, events, metrics, idempotency.<...>; <queue>.{waiting,scheduled,unserved}, dead. ARGV: id.
-- Returns 'OK', 'RUNNING', 'NEEDED' (jobs that have not ended depend on it) or 'UNKNOWN'.
--@include withdrawal
--@include removal
local job = load(ARGV[1])
if not job or job.status == 'deleted' then return 'UNKNOWN' end
if job.status == 'in-progress' then return 'RUNNING' end
if tonumber(job.needed or 0) > 0 then return 'NEEDED' end
withdraw(job, 'deleted')
job.listed = rec('HGET', job.key, 'listed')
event(job, 'deleted')
remove(job)
return 'OK'
