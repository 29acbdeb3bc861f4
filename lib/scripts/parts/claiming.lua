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
  job.attempt = tonumber(job.attempt or 0) + 1
  job.token, job.child, job.worker, job.started = token, child, worker, NOW_TEXT
  move(job, 'in-progress', '', {'token', token, 'child', child, 'worker', worker, 'started', NOW_TEXT, 'attempt', job.attempt})
  if job.links then rec('HSET', job.key, 'data_version', rec('GET', PREFIX .. 'data.current') or '') end
  observe('wait', job, NOW - tonumber(job.ready))
  local reply = job_reply(job)
  que('ZADD', queue_key(job.queue, 'leases'), seconds(NOW + @LEASE@), job.id)
  que('HSET', PREFIX .. 'holds', child, token .. ' ' .. job.id)
  return reply
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

-- The first entry of a queue's lists and which priority it has, out of its list; nil where all are empty. One command for all three,
-- unless another program has put something else in the place of one.
local function pop(queue)
  local keys = {}
  for n, priority in ipairs(PRIORITIES) do keys[n] = list_key(queue, priority) end
  at(QUEUES)
  local found = redis.pcall('LMPOP', #keys, keys[1], keys[2], keys[3], 'LEFT')
  if not found then return nil end
  for n, priority in ipairs(PRIORITIES) do
    local entry = found.err and redis.pcall('LPOP', keys[n]) or found[1] == keys[n] and found[2][1]
    if type(entry) == 'string' then return entry, priority end
  end
end

local function reject(queue, entry)
  que('RPUSH', queue_key(queue, 'rejected'), entry)
  count('rejected|' .. queue)
end

-- What comes of the next entry of a queue: a reply, or nil when it was dropped (then look again), or false when there is none.
local function take_next(queue, child, worker, token)
  local entry, priority = pop(queue)
  if not entry then return false end
  if #entry > MAX_ENTRY then return reject(queue, entry) end
  local waited, job = 0, nil
  if #entry <= 64 and string.find(entry, '^[%w_-]+$') then
    waited = que('ZREM', queue_key(queue, 'waiting'), entry)
    job = load(entry, CLAIMED)
  end
  if job and job.damaged then return reject(queue, entry) end
  if not job then
    local key = list_key(queue, priority)
    que('LPUSH', key, entry)
    return {'FOREIGN', key, queue, priority, entry}
  end
  if job.queue ~= queue then waited = que('ZREM', queue_key(job.queue, 'waiting'), entry) end
  if job.status ~= 'submitted' or (waited == 0 and lies_aside(job)) then
    drop_listed(job)
  elseif not job.limits or admitted(job) then
    return start(job, child, worker, token)
  end
  return nil
end

-- With `ended`, this child's own word has just ended what it held: so it is not closed, is idle nowhere and holds nothing.
local function claim(child, worker, token, queues, ended)
  if not ended then
    if que('ZSCORE', PREFIX .. 'closed', child) then return {'CLOSED'} end
    local held = resume_claim(child, token)
    if held then return held end
    local entry = que('HGET', PREFIX .. 'idle', child)
    if entry then forget_idle(child, entry) end
  end
  local drops = 0
  for _, queue in ipairs(queues) do
    local paused = is_paused(queue)
    while not paused do
      local reply = take_next(queue, child, worker, token)
      if reply then return reply end
      if reply == false then break end
      drops = drops + 1
      if drops >= MAX_DROPS then return {'AGAIN'} end
    end
  end
  stand_idle(child, queues)
  return {'NONE'}
end
