-- How a run ends: complete, failed, cancelled, or back to the queue. All callers have checked the token before.
--@include lists
--@include failures
--@include announcing
--@include limits
local farewell, settle -- in parts/links.lua
local BUCKETS = @BUCKETS@
-- Observe seconds of a job in a durable histogram: one bucket counter (not cumulative) and the sum in microseconds. Of each bucket
-- the last traced job is kept: an exemplar.
local function observe(name, job, value)
  if value < 0 then value = 0 end
  local bucket = '+Inf'
  for _, bound in ipairs(BUCKETS) do
    if value <= bound then
      bucket = tostring(bound)
      break
    end
  end
  local field = name .. '|' .. job.operation .. '|' .. bucket
  count(field)
  count(name .. '_us|' .. job.operation, string.format('%.0f', value * 1000000))
  local trace = job.traceparent and string.match(job.traceparent, '^%x%x%-(%x+)%-')
  if trace then rec('HSET', PREFIX .. 'metrics.exemplars', field, trace .. ' ' .. seconds(value) .. ' ' .. NOW_TEXT) end
end

-- What `ended_token` becomes: the token, where its holder itself said the end; then the same words again are answered OK,
-- while a late word of a holder that was given up is stale.
local function ended_token(job) return job.by_holder and job.token or job.ended_token or '' end

local function unlease(job)
  que('ZREM', queue_key(job.queue, 'leases'), job.id)
  if job.child and (job.by_holder or que('HGET', PREFIX .. 'holds', job.child) == (job.token or '') .. ' ' .. job.id) then
    que('HDEL', PREFIX .. 'holds', job.child)
  end
  if job.limits then free_place(job) end
  if job.staged then
    rec('DEL', job.key .. '.files.' .. (job.token or ''))
    rec('HDEL', job.key, 'staged')
  end
end

local ATTEMPTS_KEPT = 20
-- Keep what became of an attempt in the record; the last ones are kept.
local function note_attempt(job, outcome, error_json)
  local n = numeric(job.attempt, 0)
  rec('HSET', job.key, 'attempt.' .. n, '{"attempt":' .. n .. ',"outcome":"' .. outcome .. '","started":' .. (job.started or 'null')
    .. ',"ended":' .. NOW_TEXT .. ',"worker":' .. cjson.encode(job.worker or '') .. ',"error":' .. (error_json or 'null') .. '}')
  if n > ATTEMPTS_KEPT then rec('HDEL', job.key, 'attempt.' .. (n - ATTEMPTS_KEPT)) end
end

-- To a terminal state, from any other one. `result` and `error_json` are JSON texts.
local function conclude(job, status, reason, result, error_json)
  local fields = {'ended', NOW_TEXT, 'ended_token', ended_token(job)}
  if result then
    fields[#fields + 1] = 'result'
    fields[#fields + 1] = result
  end
  if error_json then
    fields[#fields + 1] = 'error'
    fields[#fields + 1] = error_json
  end
  if job.span then -- what follows of the end belongs to the run
    fields[#fields + 1] = 'traceparent'
    fields[#fields + 1] = job.span
  end
  local ran = job.status == 'in-progress'
  if status == 'cancelled' then job.asker = job.asker or job.cancelled_by end
  if ran then observe('run', job, NOW - numeric(job.started, NOW)) end
  move(job, status, reason, fields, result)
  rec('HDEL', job.key, 'token', 'child', 'cancel_requested', 'progress', 'partial')
  local ttl = status == 'failed' and job.failed_ttl or job.result_ttl
  rec('ZADD', PREFIX .. 'jobs.expiry', seconds(NOW + tonumber(ttl)), job.id)
  count(status .. '|' .. job.operation .. (status == 'failed' and '|' .. reason or ''))
  if job.notify then announce('job', job.id, job.run or rec('HGET', job.key, 'run') or 0, status, job.notify) end
  if job.links then farewell(job, status) end
  if ran then unlease(job) end -- last: a claim that follows goes on in the same database
end

local function error_text(kind, message, reason, evidence)
  return cjson.encode({type = kind, message = message, reason = reason, evidence = evidence})
end
local function fail(job, reason, error_json)
  local error = cjson.decode(error_json)
  remember_failure(job, error)
  conclude(job, 'failed', reason, cjson.encode({error = error.message}), error_json)
end

-- Out of progress and back to waiting: at the front, at the tail, or after `delay` seconds.
local function requeue(job, reason, front, delay)
  unlease(job)
  rec('HDEL', job.key, 'token', 'child', 'progress', 'partial')
  local fields = {'ended_token', ended_token(job), 'ready', seconds(NOW + (delay or 0))}
  if delay and delay > 0 then
    move(job, 'scheduled', reason, fields)
    que('ZADD', queue_key(job.queue, 'scheduled'), seconds(NOW + delay), job.id)
  else
    move(job, 'submitted', reason, fields)
    push(job, front)
  end
end

-- Given back by a worker that stops, or freed before it started: nothing is charged.
local function give_back(job, reason)
  if job.cancel_requested then return conclude(job, 'cancelled', reason) end
  note_attempt(job, reason)
  rec('HINCRBY', job.key, 'releases', 1)
  count('released|' .. job.operation .. '|' .. reason)
  requeue(job, reason, true)
end

-- An error of the job itself: retry by its policy, or the end.
local function fail_or_retry(job, reason, error_json, may_retry)
  if job.cancel_requested then return conclude(job, 'cancelled', reason) end
  local retries, allowed = tonumber(job.retries or 0), tonumber(job.max_retries or 0)
  local intervals = cjson.decode(job.intervals or '[]')
  note_attempt(job, reason, error_json)
  if not may_retry or retries >= allowed then return fail(job, reason, error_json) end
  local delay = tonumber(intervals[math.min(retries + 1, #intervals)] or 0)
  -- Lua's random is seeded alike in every run of a script; the microsecond of the call is not.
  delay = delay * (1 + tonumber(job.jitter or 0) * (NOW_US % 1000) / 1000)
  rec('HSET', job.key, 'retries', retries + 1)
  count('retried|' .. job.operation .. '|' .. reason)
  requeue(job, reason, false, delay)
end

-- How a process died, by the evidence of its worker: oom, signal, exit, or unknown.
local function cause_of(evidence)
  return evidence.oom_killed == true and 'oom' or evidence.signal and 'signal' or evidence.exit_code and 'exit' or 'unknown'
end

-- The process died while this job ran.
local function charge(job, evidence_json)
  if job.cancel_requested then return conclude(job, 'cancelled', 'crash') end
  local crashes = tonumber(job.crashes or 0) + 1
  local evidence = cjson.decode(evidence_json)
  local last = {}
  for _, entry in ipairs(rec('XREVRANGE', job.key .. '.log', '+', '-', 'COUNT', 5)) do table.insert(last, 1, entry[2][4]) end
  if last[1] then evidence.log = last end
  rec('HSET', job.key, 'crashes', crashes)
  local error_json = error_text('WorkerCrash', 'The process running this job died: ' .. (evidence.summary or 'no evidence'), 'crash', evidence)
  note_attempt(job, 'crash', error_json)
  count('crashed|' .. job.operation .. '|' .. cause_of(evidence))
  if crashes > tonumber(job.max_crashes) then return fail(job, 'crash', error_json) end
  requeue(job, 'crash', true)
end
--@include links
