#!lua flags=allow-oom
-- Remove ended jobs whose time is over, with their index entries, files and idempotency keys.
-- Keys: jobs.expiry, job.<id>*, jobs.*, idempotency.<...>, events. ARGV: most jobs in one call. Returns the number removed.
--@include removal
local removed = 0
for _, id in ipairs(rec('ZRANGEBYSCORE', PREFIX .. 'jobs.expiry', '-inf', seconds(NOW), 'LIMIT', 0, ARGV[1])) do
  local job = load(id)
  if job and (job.status == 'complete' or job.status == 'failed' or job.status == 'cancelled') then
    event(job, 'expired')
    remove(job)
    removed = removed + 1
  else
    rec('ZREM', PREFIX .. 'jobs.expiry', id)
  end
end
return removed
