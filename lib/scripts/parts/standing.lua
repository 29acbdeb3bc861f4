-- Where a record should stand, and entering it there: shared by repair and reindex.
--@include lists
--@include announcing
-- Into an index where it does not stand there. Returns whether it was missing.
local function enter(key, score, member)
  if not score or rec('ZSCORE', PREFIX .. key, member) then return false end
  rec('ZADD', PREFIX .. key, score, member)
  return true
end

-- An open job into the lists and sets of its queue, after looking whether it stands there. Returns whether it did not.
local function stand(job)
  local function lies_in(part) return que('ZSCORE', queue_key(job.queue, part), job.id) end
  if job.status == 'submitted' and not lies_in('unserved') and not lies_in('limited') then
    local key = list_key(job.queue, job.priority)
    if que('LPOS', key, job.id) or que('LPOS', key .. '.paused', job.id) then return false end
    push(job, true)
  elseif job.status == 'in-progress' and not lies_in('leases') then
    que('ZADD', queue_key(job.queue, 'leases'), seconds(NOW + @LEASE@), job.id)
  elseif job.status == 'scheduled' and not lies_in('scheduled') then
    que('ZADD', queue_key(job.queue, 'scheduled'), job.ready, job.id)
  else
    return false
  end
  count('repaired|' .. job.status)
  return true
end

local function enter_job(id)
  local job = load(id)
  if not job or job.status == 'deleted' then return false end
  local missed = enter('jobs', job.seq, id)
  for _, status in ipairs(STATUSES) do
    if status ~= job.status then rec('ZREM', PREFIX .. 'jobs.' .. status, id) end
  end
  missed = enter('jobs.' .. job.status, job.seq, id) or missed
  if ENDED[job.status] then
    local ttl = tonumber(job.status == 'failed' and job.failed_ttl or job.result_ttl)
    missed = enter('jobs.expiry', seconds(NOW + ttl), id) or missed
    if rec('EXISTS', job.key .. '.dependents') == 1 then enter('dependents.due', NOW_US, id) end
  end
  if job.status == 'failed' and job.fingerprint then
    enter('failures', job.seq, job.fingerprint)
    enter('failures.' .. job.fingerprint, job.seq, id)
  end
  if job.status == 'in-progress' and not que('HGET', PREFIX .. 'holds', job.child) then
    que('HSET', PREFIX .. 'holds', job.child, job.token .. ' ' .. id)
  end
  if job.status ~= 'submitted' then return stand(job) or missed end
  for _, part in ipairs({'waiting', 'unserved', 'limited'}) do
    if que('ZSCORE', queue_key(job.queue, part), id) then return missed end
  end
  -- Whether it is in a list, verify finds out for all of them at once.
  que('ZADD', queue_key(job.queue, 'waiting'), waiting_score(job.priority, tonumber(job.seq)), id)
  return true
end

local function enter_schedule(id)
  local known = rec('HMGET', PREFIX .. 'schedule.' .. id, 'created', 'paused', 'next')
  local created = numeric(known[1])
  if not created then return false end
  local missed = enter('schedules', string.format('%.0f', created * 1000000), id)
  return (known[2] ~= '1' and enter('schedules.due', numeric(known[3]), id)) or missed
end

local function enter_batch(id)
  local key = PREFIX .. 'batch.' .. id
  local known = rec('HMGET', key, 'created', 'ended', 'ttl')
  local created, ended = numeric(known[1]), numeric(known[2])
  if not created then return false end
  local missed = enter('batches', string.format('%.0f', created * 1000000), id)
  if rec('EXISTS', key .. '.todo') == 1 then missed = enter('batches.open', seconds(NOW), id) or missed end
  return (ended and enter('batches.expiry', seconds(ended + numeric(known[3], 86400)), id)) or missed
end

local function enter_delivery(id)
  local known = rec('HMGET', delivery_key(id), 'state', 'next')
  return known[1] == 'pending' and enter('deliveries.due', numeric(known[2], NOW), id)
end
