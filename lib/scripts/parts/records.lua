-- Whether a record is whole, and what becomes of one that is not: something that other programs or hands wrote to it must end no script.
local INTEGER, DECIMAL, EXPONENTIAL, NAME = '^%-?%d+$', '^%-?%d+%.?%d*$', '^%d[%d.e+-]*$', '^.+$'
local LONGEST = {[INTEGER] = 16, [DECIMAL] = 24, [EXPONENTIAL] = 24, [NAME] = 256} -- bytes
-- Fields that must have a form where they are set, and what they become where they have none.
local FORMS = {v = INTEGER, seq = INTEGER, attempt = INTEGER, listed = INTEGER, crashes = INTEGER, lost = INTEGER, retries = INTEGER,
  max_retries = INTEGER, max_crashes = INTEGER, result_ttl = INTEGER, failed_ttl = INTEGER, run = INTEGER, needed = INTEGER,
  ready = DECIMAL, started = DECIMAL, jitter = EXPONENTIAL, timeout = EXPONENTIAL, operation = NAME}
local WITHOUT = {v = '1', operation = 'unreadable', timeout = '60', max_crashes = '0', result_ttl = '86400', failed_ttl = '86400'}
local NEEDED = {'operation', 'seq', 'timeout', 'max_crashes', 'result_ttl', 'failed_ttl'}
local NEEDED_OPEN = {'ready'}
local NEEDED_RUNNING = {'token', 'child', 'worker', 'started', 'attempt'}
local STATES = {scheduled = true, waiting = true, submitted = true, ['in-progress'] = true, complete = true, failed = true,
  cancelled = true}

local function is_list(words, fits)
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
local function are_limits(words)
  local limits = decoded(words)
  if not limits then return false end
  if limits.rate and not (type(limits.rate) == 'string' and tonumber(limits.starts) and tonumber(limits.seconds)) then return false end
  return not limits.key or (type(limits.key) == 'string' and tonumber(limits.most) ~= nil)
end
local JSON = {
  intervals = function(words) return is_list(words, tonumber) end,
  notify = function(words) return is_list(words, is_target) end,
  limits = are_limits,
}

-- The first of these fields that was asked for and is not there.
local function missing(job, names)
  for _, name in ipairs(names) do
    if job[name] == false then return name end
  end
end

-- The first field whose form is wrong.
local function misshapen(job, fields)
  for _, name in ipairs(fields) do
    local value, form = job[name], FORMS[name]
    if value and form and not (#value <= LONGEST[form] and string.find(value, form) and (form == NAME or tonumber(value))) then
      return name
    end
    if value and JSON[name] and not JSON[name](value) then return name end
  end
end

-- The first thing that is wrong with a record: 'field <name>', or nil.
local function fault_of(job, fields)
  if job.status == 'deleted' then
    return job.listed and not string.find(job.listed, INTEGER) and 'field listed' or nil
  end
  if not STATES[job.status] then return 'field status' end
  local name = missing(job, NEEDED) or (not ENDED[job.status] and missing(job, NEEDED_OPEN))
    or (job.status == 'in-progress' and missing(job, NEEDED_RUNNING)) or misshapen(job, fields)
  return name and 'field ' .. name
end

-- Out of wherever an open job may stand.
local function leave_all(job, seq)
  for status in pairs(STATES) do rec('ZREM', PREFIX .. 'jobs.' .. status, job.id) end
  rec('ZADD', PREFIX .. 'jobs.failed', seq, job.id)
  rec('ZADD', PREFIX .. 'jobs.expiry', seconds(NOW + tonumber(job.failed_ttl or WITHOUT.failed_ttl)), job.id)
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
  local gone = {'progress', 'partial'}
  for _, name in ipairs(FIELDS) do
    if misshapen(job, {name}) then gone[#gone + 1], job[name] = name, false end
  end
  local function set(name, value) values[#values + 1], values[#values + 2] = name, value end
  local open = not ENDED[job.status] and job.status ~= 'deleted'
  local seq = job.seq or string.format('%.0f', NOW_US)
  if job.status ~= 'deleted' then
    set('id', id)
    set('seq', seq)
    for name, default in pairs(WITHOUT) do
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
