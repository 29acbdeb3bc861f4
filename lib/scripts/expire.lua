#!lua flags=allow-oom
-- Remove ended jobs whose time is over, with their index entries, files and idempotency keys, unless somebody is still to be told
--   or other jobs need them; and ended batches.
-- Keys: batches, batches.expiry, batch.<id>*, jobs.expiry, jobs.gone, job.<id>*, jobs.*, idempotency.<owner>/<key>, events.
-- ARGV: most jobs in one call. Returns the number of jobs removed.
--@include removal
local GONE_KEPT = 10000 -- ids of which is known that they have expired, the last ones
local PUT_OFF = 60 -- seconds for which a job is kept on while something of it is to be sent, or others need it
local removed = 0
for _, batch in ipairs(rec('ZRANGEBYSCORE', PREFIX .. 'batches.expiry', '-inf', seconds(NOW), 'LIMIT', 0, ARGV[1])) do
  local key = PREFIX .. 'batch.' .. batch
  if awaits_delivery('batch', batch) then
    rec('ZADD', PREFIX .. 'batches.expiry', seconds(NOW + PUT_OFF), batch)
  else
    forget_deliveries('batch', batch)
    rec('DEL', key, key .. '.jobs')
    rec('ZREM', PREFIX .. 'batches.expiry', batch)
    rec('ZREM', PREFIX .. 'batches', batch)
  end
end
for _, id in ipairs(rec('ZRANGEBYSCORE', PREFIX .. 'jobs.expiry', '-inf', seconds(NOW), 'LIMIT', 0, ARGV[1])) do
  local job = load(id)
  local ended = job and ENDED[job.status]
  if ended and (tonumber(job.needed or 0) > 0 or (job.notify and awaits_delivery('job', id))) then
    rec('ZADD', PREFIX .. 'jobs.expiry', seconds(NOW + PUT_OFF), id)
  elseif ended then
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
