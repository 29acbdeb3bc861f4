#!lua
-- Accept jobs: record, index, list, counters, and a ring at one idle child each. No allow-oom: refused at full memory.
-- Keys: job.<id>, jobs, jobs.<status>, jobs.seq, events, metrics, idempotency.<...>; hotqueue:<queue>[:priority][.paused],
--   <queue>.{waiting,scheduled,idle}, paused, front, idle, bell.<child>.
-- ARGV: queue, idempotency key (whole, or ''), then for each job: id, digest, priority, delay (s), number of further
--   values, field, value, ...
-- Returns {'FULL', depth} with nothing written, or {'OK', code, id, code, id, ...} where code is NEW, REPLAYED (the same id or
--   idempotency key with the same digest: nothing written but the count of replays) or CONFLICT (with another digest).
--@include lists
local queue, idempotency = ARGV[1], ARGV[2]
local jobs, fresh, i = {}, 0, 3
while i <= #ARGV do
  local n = tonumber(ARGV[i + 4])
  local job = {id = ARGV[i], digest = ARGV[i + 1], priority = ARGV[i + 2], delay = tonumber(ARGV[i + 3]), queue = queue,
    fields = {unpack(ARGV, i + 5, i + 4 + n)}}
  i = i + 5 + n
  local known = idempotency ~= '' and rec('GET', idempotency)
  if known then job.id = known end
  job.key = job_key(job.id)
  at(RECORDS)
  local digest = redis.pcall('HGET', job.key, 'digest')
  if type(digest) == 'table' or (not digest and rec('EXISTS', job.key) == 1) then
    job.code = 'CONFLICT'
  elseif digest then
    job.code = digest == job.digest and 'REPLAYED' or 'CONFLICT'
  else
    job.code = 'NEW'
    fresh = fresh + 1
  end
  jobs[#jobs + 1] = job
end
local depth = que('ZCARD', queue_key(queue, 'waiting')) + que('ZCARD', queue_key(queue, 'scheduled'))
if fresh > 0 and depth + fresh > @QUEUE_LIMIT@ then return {'FULL', depth} end

local reply = {'OK'}
for _, job in ipairs(jobs) do
  if job.code == 'NEW' then
    local seq = next_seq()
    local status = job.delay > 0 and 'scheduled' or 'submitted'
    job.seq = string.format('%.0f', seq)
    rec('HSET', job.key, 'status', status, 'queue', queue, 'priority', job.priority, 'seq', job.seq, 'submitted', NOW_TEXT,
      'ready', seconds(NOW + job.delay), 'digest', job.digest, unpack(job.fields))
    job.operation = rec('HGET', job.key, 'operation')
    rec('ZADD', PREFIX .. 'jobs', job.seq, job.id)
    rec('ZADD', PREFIX .. 'jobs.' .. status, job.seq, job.id)
    if idempotency ~= '' then
      rec('SET', idempotency, job.id)
      rec('HSET', job.key, 'idempotency', idempotency)
    end
    count('submitted|' .. job.operation .. '|' .. queue)
    event(job, status)
    if job.delay > 0 then
      que('ZADD', queue_key(queue, 'scheduled'), seconds(NOW + job.delay), job.id)
    else
      push(job, false, seq)
    end
  elseif job.code == 'REPLAYED' then
    rec('HINCRBY', job.key, 'replays', 1)
  end
  reply[#reply + 1] = job.code
  reply[#reply + 1] = job.id
end
return reply
