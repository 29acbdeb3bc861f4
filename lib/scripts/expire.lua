#!lua flags=allow-oom
-- Remove ended jobs whose time is over, with their index entries, files and idempotency keys, unless somebody is still to be told.
-- Keys: jobs.expiry, jobs.gone, job.<id>*, jobs.*, idempotency.<...>, events. ARGV: most jobs in one call. Returns the number removed.
--@include removal
local GONE_KEPT = 10000 -- ids of which is known that they have expired, the last ones
local PUT_OFF = 60 -- seconds for which a job is kept on while something of it is to be sent
local removed = 0
for _, id in ipairs(rec('ZRANGEBYSCORE', PREFIX .. 'jobs.expiry', '-inf', seconds(NOW), 'LIMIT', 0, ARGV[1])) do
  local job = load(id)
  if job and job.notify and awaits_delivery('job', id) then
    rec('ZADD', PREFIX .. 'jobs.expiry', seconds(NOW + PUT_OFF), id)
  elseif job and (job.status == 'complete' or job.status == 'failed' or job.status == 'cancelled') then
    event(job, 'expired')
    remove(job)
    rec('ZADD', PREFIX .. 'jobs.gone', NOW, id)
    removed = removed + 1
  else
    rec('ZREM', PREFIX .. 'jobs.expiry', id)
  end
end
if removed > 0 then rec('ZREMRANGEBYRANK', PREFIX .. 'jobs.gone', 0, -(GONE_KEPT + 1)) end
return removed
