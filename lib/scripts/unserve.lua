#!lua flags=allow-oom
-- A worker that cannot run what it claimed (unknown operation, newer record) lays it aside, uncharged.
-- Keys: job.<id>, jobs.*, events, metrics; <queue>.{leases,unserved}, holds. ARGV: id, token. Returns OK, AGAIN or STALE.
--@include ends
local job = load(ARGV[1])
if job and job.ended_token == ARGV[2] then return 'AGAIN' end
if not job or job.status ~= 'in-progress' or job.token ~= ARGV[2] then return 'STALE' end
job.by_holder = true
if job.cancel_requested then
  conclude(job, 'cancelled', 'unserved')
  return 'OK'
end
unlease(job)
rec('HDEL', job.key, 'token', 'child')
move(job, 'submitted', 'unserved', {'ended_token', ended_token(job), 'attempt', tonumber(job.attempt) - 1})
que('ZADD', queue_key(job.queue, 'unserved'), seconds(NOW), job.id)
count('unserved|' .. job.operation)
return 'OK'
