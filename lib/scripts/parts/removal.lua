-- The end of a record: shared by delete and expire. An id that may still be listed leaves a tombstone.
--@include ends
local function remove(job)
  rec('ZREM', PREFIX .. 'jobs', job.id)
  rec('ZREM', PREFIX .. 'jobs.' .. job.status, job.id)
  rec('ZREM', PREFIX .. 'jobs.expiry', job.id)
  forget_failure(job)
  local batch = job.links and rec('HGET', job.key, 'batch')
  if batch then rec('ZREM', PREFIX .. 'batch.' .. batch .. '.jobs', job.id) end -- another job may come under its id
  rec('DEL', job.key, job.key .. '.log', job.key .. '.files', job.key .. '.dependents')
  if job.notify then forget_deliveries('job', job.id) end
  local unique = job.unique and PREFIX .. 'unique.' .. job.unique
  if unique and rec('GET', unique) == job.id then rec('DEL', unique) end
  if job.idempotency and rec('GET', job.idempotency) == job.id then rec('DEL', job.idempotency) end
  local listed = tonumber(job.listed or 0)
  if listed > 0 then
    rec('HSET', job.key, 'v', job.v, 'status', 'deleted', 'queue', job.queue, 'priority', job.priority, 'listed', listed)
  end
end
