-- Taking a job: shared by claim, turn and take.
--@include ends
local MAX_ENTRY = 1048576 -- bytes; a longer list entry is moved aside unread
local MAX_DROPS = 100
-- What a claim reads of a job.
local CLAIMED = {'v', 'status', 'queue', 'priority', 'operation', 'seq', 'ready', 'attempt', 'timeout', 'input', 'params', 'adopted',
  'token', 'started', 'listed', 'mirror', 'mirror_head', 'limits', 'links', 'request_id', 'traceparent'}

local function job_reply(job)
  return {'JOB', job.id, job.token, job.operation, job.input or '{}', tonumber(job.attempt), job.queue, job.timeout, job.v,
    job.adopted or '', job.params or '', rec('GET', PREFIX .. 'data.current') or '', job.started, job.request_id or '', job.traceparent or ''}
end

-- The job is out of its list and waits no more.
local function start(job, child, worker, token)
  que('ZADD', queue_key(job.queue, 'leases'), seconds(NOW + @LEASE@), job.id)
  que('HSET', PREFIX .. 'holds', child, token .. ' ' .. job.id)
  job.attempt = tonumber(job.attempt or 0) + 1
  job.token, job.child, job.worker, job.started = token, child, worker, NOW_TEXT
  move(job, 'in-progress', '', {'token', token, 'child', child, 'worker', worker, 'started', NOW_TEXT, 'attempt', job.attempt})
  if job.links then rec('HSET', job.key, 'data_version', rec('GET', PREFIX .. 'data.current') or '') end
  observe('wait', job, NOW - tonumber(job.ready))
  return job_reply(job)
end

-- What this child already holds under this token, after a lost reply; nil where it holds nothing.
local function resume_claim(child, token)
  local held = que('HGET', PREFIX .. 'holds', child)
  if not held then return nil end
  local held_token, id = string.match(held, '^(%S+) (%S+)$')
  local job = held_token and load(id, CLAIMED)
  if not (job and job.status == 'in-progress' and job.token == held_token) then -- nothing that could be ended
    que('HDEL', PREFIX .. 'holds', child)
    return nil
  end
  if held_token ~= token then return {'BUSY', id} end
  return job_reply(job)
end

-- One entry at the head of a list: a reply, or nil when it was dropped (then look again), or false when the list is empty.
local function take_head(key, queue, priority, child, worker, token)
  at(QUEUES)
  local head = redis.pcall('LINDEX', key, 0)
  if not head or type(head) == 'table' then return false end
  if #head > MAX_ENTRY then
    que('LMOVE', key, queue_key(queue, 'rejected'), 'LEFT', 'RIGHT')
    count('rejected|' .. queue)
    return nil
  end
  local job = #head <= 64 and string.find(head, '^[%w_-]+$') and load(head, CLAIMED)
  if job and job.damaged then
    que('LMOVE', key, queue_key(queue, 'rejected'), 'LEFT', 'RIGHT')
    count('rejected|' .. queue)
    return nil
  end
  if not job then return {'FOREIGN', key, queue, priority, head} end
  que('LPOP', key)
  if job.status ~= 'submitted' or (que('ZREM', queue_key(job.queue, 'waiting'), head) == 0 and lies_aside(job)) then
    drop_listed(job)
  elseif not job.limits or admitted(job) then
    return start(job, child, worker, token)
  end
  return nil
end

local function claim(child, worker, token, queues)
  if que('ZSCORE', PREFIX .. 'closed', child) then return {'CLOSED'} end
  local held = resume_claim(child, token)
  if held then return held end
  local entry = que('HGET', PREFIX .. 'idle', child)
  if entry then forget_idle(child, entry) end
  local drops = 0
  for _, queue in ipairs(queues) do
    if not is_paused(queue) then
      for _, priority in ipairs(PRIORITIES) do
        local key = list_key(queue, priority)
        while true do
          local reply = take_head(key, queue, priority, child, worker, token)
          if reply then return reply end
          if reply == false then break end
          drops = drops + 1
          if drops >= MAX_DROPS then return {'AGAIN'} end
        end
      end
    end
  end
  stand_idle(child, queues)
  return {'NONE'}
end
