-- A job's record and its moves between states. Every move goes through `move`, so that status, index, event and the
-- course's mirror never differ.
--@include base
local FIELDS = {'v', 'id', 'status', 'operation', 'queue', 'priority', 'seq', 'ready', 'started', 'attempt', 'token', 'ended_token',
  'worker', 'child', 'cancel_requested', 'listed', 'mirror', 'mirror_head', 'crashes', 'lost', 'retries', 'max_retries', 'intervals',
  'jitter', 'max_crashes', 'result_ttl', 'failed_ttl', 'run', 'idempotency', 'timeout', 'staged', 'fingerprint', 'notify', 'limits',
  'links', 'needed', 'unique', 'traceparent', 'cancelled_by'}

local ENDED = {complete = true, failed = true, cancelled = true}

-- `job.asker` is who asked for the move, where somebody did.
local function event(job, status, reason)
  local asked = job.asker and job.asker ~= '' and {'by', job.asker} or {}
  rec('XADD', PREFIX .. 'events', 'MAXLEN', '~', @EVENTS_KEPT@, '*', 'id', job.id, 'status', status,
    'attempt', job.attempt or '0', 'token', job.token or '', 'reason', reason or '', unpack(asked))
end

-- Write an adopted record's state back where the course's programs read it.
local function mirror(job, status, result)
  if job.mirror == 'json' then
    at(RECORDS)
    if redis.call('TYPE', job.id).ok == 'string' then
      redis.call('SET', job.id, (job.mirror_head or '{') .. '"status":"' .. status .. '","result":' .. (result or 'null') .. '}')
    end
  elseif job.mirror == 'hash' then
    at(RECORDS)
    if redis.call('TYPE', 'job.' .. job.id).ok == 'hash' then
      redis.call('HSET', 'job.' .. job.id, 'status', status)
      if result then redis.call('HSET', 'job.' .. job.id, 'result', result) end
    end
  end
end

-- From the state it is in to another one; `fields` (flat) are written with it.
local function move(job, status, reason, fields, result)
  rec('ZREM', PREFIX .. 'jobs.' .. job.status, job.id)
  rec('ZADD', PREFIX .. 'jobs.' .. status, job.seq, job.id)
  rec('HSET', job.key, 'status', status, unpack(fields or {}))
  event(job, status, reason)
  if job.mirror then mirror(job, status, result) end
  job.status = status
end

local LONGEST_AHEAD = 1e14 -- microseconds, three years; what stands further from now was written by others
-- A number that is the time in microseconds and never the same twice; with `many`, the first of as many in a row. As good as always
-- the time is later than the last one, and one command does.
local function next_seq(many)
  local key, further = PREFIX .. 'jobs.seq', (many or 1) - 1
  local last = numeric(rec('SET', key, string.format('%.0f', NOW_US + further), 'GET'), 0)
  if last < NOW_US or last > NOW_US + LONGEST_AHEAD then return NOW_US end
  rec('SET', key, string.format('%.0f', last + 1 + further))
  return last + 1
end

--@include records
-- The record of a job as a table of the FIELDS (false where unset), or nil where there is none of ours: absent, foreign,
-- or of another type. A damaged one is laid to rest (parts/records.lua), and says so. Reading is a tenth of what a job costs: where
-- every microsecond counts, `fields` names what is needed, among it v, status, queue and priority.
local function load(id, fields)
  at(RECORDS)
  fields = fields or FIELDS
  local values = redis.pcall('HMGET', job_key(id), unpack(fields))
  if values.err then
    note_damage(job_key(id), 'is no record of a job')
    return nil
  end
  local job = map_of(fields, values)
  if not (job.v and job.status and job.queue and RANK[job.priority]) then return nil end
  job.key, job.id = job_key(id), id
  local why = fault_of(job)
  return why and lay_to_rest(job, why) or job
end
