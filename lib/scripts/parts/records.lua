-- Whether a record is whole, and what becomes of one that is not: something that other programs or hands wrote to it must end no script.
-- It is asked at every load, so what is whole costs one look at each number, and all that damage needs is made when there is some.
local STATUSES = {'scheduled', 'waiting', 'submitted', 'in-progress', 'complete', 'failed', 'cancelled'}
local INTEGERS = {'v', 'seq', 'attempt', 'crashes', 'max_crashes', 'result_ttl', 'failed_ttl', 'listed', 'lost', 'retries', 'max_retries',
  'run', 'needed'}
local LONGEST_INTEGER, LONGEST_DECIMAL, LONGEST_NAME = 16, 24, 256 -- bytes
local RESULT_TTL, FAILED_TTL = '604800', '2592000' -- seconds, where a record has none: as the settings' defaults
local MOST_STARTS, LONGEST_RATE = 10000, 86400 -- of a rate, as lib/rates.py has them; seconds

-- Whether a value that is set has another form. Decimals are times and seconds.
local function no_integer(value) return value and not (#value <= LONGEST_INTEGER and string.find(value, '^%-?%d+$')) end
local function no_decimal(value) return value and not (#value <= LONGEST_DECIMAL and string.find(value, '^%-?%d+%.?%d*$')) end
local function no_exponential(value)
  return value and not (#value <= LONGEST_DECIMAL and string.find(value, '^%d[%d.e+-]*$') and numeric(value))
end

-- The first of the fields in JSON that scripts read and cannot.
local function bad_json(job)
  local function all(words, fits)
    local values = decoded(words)
    if not values then return false end
    for _, value in ipairs(values) do
      if not fits(value) then return false end
    end
    return true
  end
  local function is_target(value)
    local to = type(value) == 'table' and (value.webhook or value.email)
    return type(to) == 'string' and type(value.on) == 'table'
  end
  -- A number that can be counted with: what is one only as a text, or none, ends the script that compares it.
  local function is_from(value, least, most) return type(value) == 'number' and value >= least and value <= most end
  local function is_whole(value, most) return is_from(value, 1, most) and value % 1 == 0 end
  if job.intervals and not all(job.intervals, numeric) then return 'intervals' end
  if job.notify and not all(job.notify, is_target) then return 'notify' end
  if job.limits then
    local limits = decoded(job.limits)
    local rate_fits = limits and (not limits.rate
      or (type(limits.rate) == 'string' and is_whole(limits.starts, MOST_STARTS) and is_from(limits.seconds, 0, LONGEST_RATE)))
    local key_fits = limits and (not limits.key or (type(limits.key) == 'string' and is_whole(limits.most, math.huge)))
    if not (rate_fits and key_fits) then return 'limits' end
  end
end

-- The first field whose form is wrong.
local function misshapen(job)
  for _, name in ipairs(INTEGERS) do
    if no_integer(job[name]) then return name end
  end
  if no_decimal(job.ready) then return 'ready' end
  if no_decimal(job.started) then return 'started' end
  if no_exponential(job.timeout) then return 'timeout' end
  if no_exponential(job.jitter) then return 'jitter' end
  if job.operation and (#job.operation == 0 or #job.operation > LONGEST_NAME) then return 'operation' end
  if job.intervals or job.notify or job.limits then return bad_json(job) end
end

-- The first field that was asked for (it is false then, and not nil) and must be there.
local function missing(job)
  if job.operation == false then return 'operation' end
  if job.seq == false then return 'seq' end
  if job.timeout == false then return 'timeout' end
  if job.max_crashes == false then return 'max_crashes' end
  if job.result_ttl == false then return 'result_ttl' end
  if job.failed_ttl == false then return 'failed_ttl' end
  if ENDED[job.status] then return nil end
  if job.ready == false then return 'ready' end
  if job.status ~= 'in-progress' then return nil end
  return job.token == false and 'token' or job.child == false and 'child' or job.worker == false and 'worker'
    or job.started == false and 'started' or job.attempt == false and 'attempt' or nil
end

-- The first thing that is wrong with a record: 'field <name>', or nil.
local function fault_of(job)
  local status = job.status
  if status == 'deleted' then return no_integer(job.listed) and 'field listed' or nil end
  if not (ENDED[status] or status == 'submitted' or status == 'in-progress' or status == 'scheduled' or status == 'waiting') then
    return 'field status'
  end
  local name = missing(job) or misshapen(job)
  return name and 'field ' .. name
end

-- Out of wherever an open job may stand.
local function leave_all(job, seq)
  for _, status in ipairs(STATUSES) do rec('ZREM', PREFIX .. 'jobs.' .. status, job.id) end
  rec('ZADD', PREFIX .. 'jobs.failed', seq, job.id)
  rec('ZADD', PREFIX .. 'jobs.expiry', seconds(NOW + tonumber(job.failed_ttl or FAILED_TTL)), job.id)
  for part in string.gmatch('waiting leases scheduled unserved limited', '%S+') do que('ZREM', queue_key(job.queue, part), job.id) end
  local held = job.child and que('HGET', PREFIX .. 'holds', job.child)
  if held and string.match(held, '(%S+)$') == job.id then que('HDEL', PREFIX .. 'holds', job.child) end
  rec('ZADD', PREFIX .. 'damaged.due', NOW_US, job.id)
end

-- Make a damaged record one that all can read: what is wrong goes, and an open job fails by it and leaves wherever it stood. What its end
-- means for others is told by upkeep (tidy.lua). Returns the job as it is then, or nil in a script that only reads.
local function lay_to_rest(damaged, why)
  local key, id = damaged.key, damaged.id
  local job, values = map_of(FIELDS, rec('HMGET', key, unpack(FIELDS))), {}
  local gone, wrong = {'progress', 'partial'}, misshapen(job)
  while wrong do
    gone[#gone + 1], job[wrong] = wrong, false
    wrong = misshapen(job)
  end
  local function set(name, value) values[#values + 1], values[#values + 2] = name, value end
  local open = not ENDED[job.status] and job.status ~= 'deleted'
  local seq = job.seq or string.format('%.0f', NOW_US)
  if job.status ~= 'deleted' then
    set('id', id)
    set('seq', seq)
    local without = {v = '1', operation = 'unreadable', timeout = '60', max_crashes = '0',
      failed_ttl = FAILED_TTL,
      result_ttl = RESULT_TTL}
    for name, default in pairs(without) do
      if not job[name] then set(name, default) end
    end
  end
  if open then
    local message = 'The record in Redis was changed by another program, and the job cannot go on: ' .. why .. '.'
    set('status', 'failed')
    set('ended', NOW_TEXT)
    set('result', cjson.encode({error = message}))
    set('error', cjson.encode({type = 'DamagedRecord', message = message, reason = 'damaged'}))
    for name in string.gmatch('token child cancel_requested staged', '%S+') do gone[#gone + 1] = name end
  end
  at(RECORDS)
  if type(redis.pcall('HDEL', key, unpack(gone))) == 'table' then return nil end
  if values[1] then rec('HSET', key, unpack(values)) end
  note_damage(key, 'had a wrong ' .. why)
  job.key, job.id = key, id
  if open then
    leave_all(job, seq)
    event({id = id, asker = false}, 'failed', 'damaged')
  end
  local rested = map_of(FIELDS, rec('HMGET', key, unpack(FIELDS)))
  rested.key, rested.id, rested.damaged = key, id, true
  return rested
end
