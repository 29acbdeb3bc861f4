-- Putting the records of a restore in place. Every index, place and link of a job is made anew from its record. What stands in one
-- was written by others: no field of it may end a step, for each further one would end alike, with the old release cleared away.
--@include clearing
--@include links
-- Seconds by which what is kept for a time is kept longer.
local function shift()
  called.shift = called.shift or numeric(rec('HGET', ABOUT, 'shift'), 0)
  return called.shift
end

local function settle_in(name)
  if rec('EXISTS', SHADOW .. name) == 0 then return false end
  rec('RENAME', SHADOW .. name, PREFIX .. name)
  return true
end

-- A delivery that was being sent is due again; its receiver may hear of it twice, under the same id.
local function place_deliveries(kind, id)
  if not settle_in(kind .. '.' .. id .. '.deliveries') then return end
  for _, delivery in ipairs(rec('LRANGE', deliveries_key(kind, id), 0, -1)) do
    settle_in('delivery.' .. delivery)
    local key = delivery_key(delivery)
    rec('HDEL', key, 'token')
    if rec('HGET', key, 'state') == 'pending' then rec('ZADD', DUE, seconds(numeric(rec('HGET', key, 'next'), NOW)), delivery) end
  end
end

local function place_rest()
  if rec('EXISTS', ABOUT .. '.cleared') == 0 then return 0 end
  rec('DEL', ABOUT .. '.cleared')
  for name in string.gmatch('failures.first metrics metrics.exemplars history.hour history.day history.week events jobs.gone jobs.seq',
      '%S+') do
    settle_in(name)
  end
  for _, name in ipairs({'paused', 'draining'}) do
    local fields = rec('HGETALL', SHADOW .. name)
    if fields[1] then que('HSET', PREFIX .. name, unpack(fields)) end
  end
  local versions = rec('ZRANGE', SHADOW .. 'data.versions', 0, -1)
  for _, version in ipairs(versions) do
    local n = 0
    while settle_in('data.' .. version .. '.' .. n) do n = n + 1 end
    settle_in('data.' .. version)
  end
  settle_in('data.versions')
  settle_in('data.current')
  return 1
end

local function place_batches(most)
  local found = rec('ZPOPMIN', SHADOW .. 'batches', most)
  for i = 1, #found, 2 do
    local id, key = found[i], PREFIX .. 'batch.' .. found[i]
    for _, part in ipairs({'', '.jobs', '.todo'}) do settle_in('batch.' .. id .. part) end
    place_deliveries('batch', id)
    rec('ZADD', PREFIX .. 'batches', found[i + 1], id)
    if rec('EXISTS', key .. '.todo') == 1 then rec('ZADD', PREFIX .. 'batches.open', NOW_TEXT, id) end
    local known = rec('HMGET', key, 'ended', 'ttl')
    if known[1] then
      local ended = math.min(numeric(known[1], NOW), NOW)
      rec('ZADD', PREFIX .. 'batches.expiry', seconds(ended + numeric(known[2], 86400) + shift()), id)
    end
  end
  return #found
end

local function place_schedules(most)
  local found = rec('ZPOPMIN', SHADOW .. 'schedules', most)
  for i = 1, #found, 2 do
    local id = found[i]
    settle_in('schedule.' .. id)
    rec('ZADD', PREFIX .. 'schedules', found[i + 1], id)
    local known = rec('HMGET', PREFIX .. 'schedule.' .. id, 'next', 'paused')
    -- One whose time cannot be read is due at once, and laid aside by whoever fires it (shelve.lua).
    if known[1] and known[1] ~= '' and known[2] ~= '1' then
      rec('ZADD', PREFIX .. 'schedules.due', seconds(numeric(known[1], NOW)), id)
    end
  end
  return #found
end

local RESTORED = {'ended', 'depends_on', 'batch', 'quota', 'by', 'cache', 'data_version', '~place', '~unique'}

local function place_ended(job, more)
  local ended = math.min(numeric(more.ended, NOW), NOW)
  local ttl = tonumber(job.status == 'failed' and job.failed_ttl or job.result_ttl)
  rec('ZADD', PREFIX .. 'jobs.expiry', seconds(ended + ttl + shift()), job.id)
  if job.status == 'failed' and job.fingerprint then
    rec('ZADD', PREFIX .. 'failures', 'GT', string.format('%.0f', ended * 1000000), job.fingerprint)
    rec('HSETNX', PREFIX .. 'failures.first', job.fingerprint, seconds(ended))
    rec('ZADD', PREFIX .. 'failures.' .. job.fingerprint, job.seq, job.id)
  end
  local left = ended + tonumber(job.result_ttl) + shift() - NOW
  if job.status == 'complete' and more.cache and more.data_version and left >= 1 then
    rec('SET', cache_key(more.cache, more.data_version), job.id, 'EX', kept_for(left), 'NX')
  end
end

-- Where a job that has not ended stands until its queue is made: by its place, or at the front where it had none.
local function place_open(job, more)
  if more.quota and more.by then rec('HINCRBY', PREFIX .. 'quota.pending', more.by, 1) end
  if more.depends_on then rec('ZADD', SHADOW .. 'links', job.seq, job.id) end
  local place = numeric(more['~place'])
  local order = place and place - RANK[job.priority] * RANK_STEP
  if job.status == 'scheduled' then
    que('ZADD', queue_key(job.queue, 'scheduled'), job.ready, job.id)
  elseif job.status == 'submitted' and order and order >= 0 and order < RANK_STEP then
    que('ZADD', queue_key(job.queue, 'waiting'), more['~place'], job.id)
    local front = tonumber(que('GET', PREFIX .. 'front') or 0)
    if order < FRONT and FRONT - order > front then que('SET', PREFIX .. 'front', string.format('%.0f', FRONT - order)) end
  elseif job.status ~= 'waiting' then
    rec('ZADD', SHADOW .. 'running', job.seq, job.id)
  end
end

local LATEST = 1e15 -- milliseconds; beyond it Redis takes no time
local function place_job(id)
  local name = 'job.' .. id
  if not settle_in(name) then return end
  for _, part in ipairs({'.log', '.files'}) do settle_in(name .. part) end
  place_deliveries('job', id)
  local job = load(id)
  if not job or job.status == 'deleted' then -- it is none that anybody could run or show
    forget_deliveries('job', id)
    rec('DEL', job_key(id), job_key(id) .. '.log', job_key(id) .. '.files')
    return note_damage(job_key(id), 'was no record of a job in the backup')
  end
  local more = map_of(RESTORED, rec('HMGET', job.key, unpack(RESTORED)))
  rec('HDEL', job.key, '~place', '~unique', 'listed', 'needed', 'dependents', 'pending', 'staged')
  rec('SADD', ABOUT .. '.queues', job.queue)
  rec('ZADD', PREFIX .. 'jobs', job.seq, id)
  rec('ZADD', PREFIX .. 'jobs.' .. job.status, job.seq, id)
  if job.idempotency then rec('SET', job.idempotency, id) end
  local held = job.unique and numeric(more['~unique'])
  if held and held < 0 then
    rec('SET', PREFIX .. 'unique.' .. job.unique, id)
  elseif held and held > NOW * 1000 then
    rec('SET', PREFIX .. 'unique.' .. job.unique, id, 'PXAT', string.format('%.0f', math.min(held, LATEST)))
  end
  if more.batch and rec('EXISTS', PREFIX .. 'batch.' .. more.batch) == 1 then
    rec('ZADD', PREFIX .. 'batch.' .. more.batch .. '.jobs', job.seq, id)
  end
  if ENDED[job.status] then place_ended(job, more) else place_open(job, more) end
end

local function place_jobs(most)
  local found = rec('ZPOPMAX', SHADOW .. 'jobs', most)
  for i = 1, #found, 2 do place_job(found[i]) end
  rec('HINCRBY', ABOUT, 'placed', #found / 2)
  return #found
end

-- The jobs that one depends on, counted anew. Where all of them have ended meanwhile, it waits no longer.
local function place_links(most)
  local found = rec('ZPOPMAX', SHADOW .. 'links', most)
  for i = 1, #found, 2 do
    local job = load(found[i])
    local links = job and links_of(job)
    local pending = links and links.depends_on and not ENDED[job.status] and depend(job, ids_in(links.depends_on))
    if pending and job.status == 'waiting' then
      local broken = broken_parent(links)
      if broken then
        fail_orphan(job, broken[2], broken[3])
      elseif pending == 0 then
        set_out(job)
      end
    end
  end
  return #found
end

-- What was running is given back, uncharged, to the front of its queue: the job submitted last first, so that the oldest runs first.
local function place_running(most)
  local found = rec('ZPOPMAX', SHADOW .. 'running', most)
  for i = 1, #found, 2 do
    local job = load(found[i])
    if job and job.status == 'in-progress' then
      give_back(job, 'restored')
    elseif job and job.status == 'submitted' then
      push(job, true)
    end
  end
  return #found
end
