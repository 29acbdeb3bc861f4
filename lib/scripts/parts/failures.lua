-- Failed jobs that are alike: what a failure is known by, and the index of those that are kept.
--@include jobs
-- The fingerprint that whoever ran the job made of its traceback; without one, of operation, type and reason.
local function fingerprint_of(job, error)
  local given = error.fingerprint
  if type(given) == 'string' and #given == 16 and string.find(given, '^[0-9a-f]+$') then return given end
  return string.sub(redis.sha1hex(job.operation .. '\n' .. tostring(error.type) .. '\n' .. tostring(error.reason)), 1, 16)
end

local function remember_failure(job, error)
  job.fingerprint = fingerprint_of(job, error)
  rec('HSET', job.key, 'fingerprint', job.fingerprint)
  rec('ZADD', PREFIX .. 'failures', next_seq(), job.fingerprint)
  rec('HSETNX', PREFIX .. 'failures.first', job.fingerprint, NOW_TEXT)
  rec('ZADD', PREFIX .. 'failures.' .. job.fingerprint, job.seq, job.id)
end

local function forget_failure(job)
  if not job.fingerprint then return end
  local alike = PREFIX .. 'failures.' .. job.fingerprint
  rec('ZREM', alike, job.id)
  if rec('EXISTS', alike) == 0 then
    rec('ZREM', PREFIX .. 'failures', job.fingerprint)
    rec('HDEL', PREFIX .. 'failures.first', job.fingerprint)
  end
end
