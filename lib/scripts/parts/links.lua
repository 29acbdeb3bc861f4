-- What hangs together with a job, where its record says `links`: the jobs it depends on and those that depend on it, its batch,
-- the results kept for equal jobs, the quota of its submitter.
--@include ends
--@include batches
local LINKS = {'depends_on', 'kept', 'allow_failure', 'dependents', 'batch', 'cache', 'data_version', 'quota', 'by'}
local MOST_SETTLED = 100 -- dependents that the end of a job looks at itself; upkeep does the rest

local function cache_key(digest, version) return PREFIX .. 'cache.' .. digest .. '.' .. version end
-- Seconds for which a result stands for equal jobs, as Redis takes them: whole, and none that it could not add to its clock.
local function kept_for(ttl) return math.max(1, math.min(math.floor(ttl), 1e9)) end
-- The ids in a JSON text, as far as they are any.
local function ids_in(words)
  local ids = {}
  for _, id in ipairs(decoded(words, {})) do
    if type(id) == 'string' then ids[#ids + 1] = id end
  end
  return ids
end
local function links_of(job) return map_of(LINKS, rec('HMGET', job.key, unpack(LINKS))) end

-- Let a waiting job depend on these: those that have not ended tell it their end, and none of them expires before its own.
-- Those that are not there (any more) are not kept for it, also where another job comes under their id: the record says which are.
-- Returns the number of those that have not ended.
local function depend(job, parents)
  local pending, kept = 0, {}
  for _, parent in ipairs(parents) do
    local key = job_key(parent)
    local status = rec('HGET', key, 'status')
    if status and status ~= 'deleted' then
      kept[#kept + 1] = parent
      rec('HINCRBY', key, 'needed', 1)
      rec('HSET', key, 'links', 1)
      if not ENDED[status] then
        rec('ZADD', key .. '.dependents', job.seq, job.id)
        rec('HSET', key, 'dependents', 1)
        pending = pending + 1
      end
    end
  end
  rec('HSET', job.key, 'pending', pending)
  if #kept < #parents then rec('HSET', job.key, 'kept', cjson.encode(kept)) else rec('HDEL', job.key, 'kept') end
  return pending
end

-- A waiting job waits for no other one any more.
local function set_out(job)
  local times = rec('HMGET', job.key, 'run_in', 'run_at')
  local delay = times[2] and numeric(times[2], NOW) - NOW or numeric(times[1], 0)
  if delay > 0 then
    move(job, 'scheduled', 'parents', {'ready', seconds(NOW + delay)})
    que('ZADD', queue_key(job.queue, 'scheduled'), seconds(NOW + delay), job.id)
  else
    move(job, 'submitted', 'parents', {'ready', NOW_TEXT})
    push(job, false)
  end
end

local function fail_orphan(job, parent, status)
  fail(job, 'parent', error_text('ParentFailed', 'Job ' .. parent .. ', on which it depends, is ' .. status .. '.', 'parent',
    {job = parent, status = status}))
end

-- Tell the next dependents of jobs that have ended, at most `most` of them. Returns how many were told.
settle = function(most)
  if called.settling then return 0 end
  called.settling = true
  local due, told = PREFIX .. 'dependents.due', 0
  while told < most do
    local parent = rec('ZRANGE', due, 0, 0)[1]
    if not parent then break end
    local key = job_key(parent)
    local status = rec('HGET', key, 'status') or 'gone'
    local ended = ENDED[status] or status == 'gone'
    local children = ended and rec('ZPOPMIN', key .. '.dependents', most - told) or {}
    if not children[1] then -- all are told, or it runs again
      rec('ZREM', due, parent)
      if ended then rec('HDEL', key, 'dependents') end
    end
    for i = 1, #children, 2 do
      local child = load(children[i])
      told = told + 1
      if child and child.status == 'waiting' then
        if status ~= 'complete' and not rec('HGET', child.key, 'allow_failure') then
          fail_orphan(child, parent, status)
        elseif rec('HINCRBY', child.key, 'pending', -1) <= 0 then
          set_out(child)
        end
      end
    end
  end
  called.settling = false
  return told
end

-- A job of a batch has ended, or (by -1) runs again.
local function count_in_batch(batch, status, by)
  local key = PREFIX .. 'batch.' .. batch
  if rec('EXISTS', key) == 0 then return end
  rec('HINCRBY', key, status, by)
  if by < 0 then
    rec('HDEL', key, 'ended')
    rec('ZREM', PREFIX .. 'batches.expiry', batch)
  else
    end_batch(batch)
  end
end

-- What the end of a job means for others.
farewell = function(job, status)
  local links = links_of(job)
  if links.dependents then rec('ZADD', PREFIX .. 'dependents.due', NOW_US, job.id) end
  if links.depends_on then
    for _, parent in ipairs(ids_in(links.kept or links.depends_on)) do
      local key = job_key(parent)
      if rec('HEXISTS', key, 'needed') == 1 then rec('HINCRBY', key, 'needed', -1) end
      rec('ZREM', key .. '.dependents', job.id) -- another job may come under its id, and wait for others
    end
  end
  if links.quota and links.by and rec('HINCRBY', PREFIX .. 'quota.pending', links.by, -1) <= 0 then
    rec('HDEL', PREFIX .. 'quota.pending', links.by)
  end
  if links.cache and links.data_version and status == 'complete' then
    rec('SET', cache_key(links.cache, links.data_version), job.id, 'EX', kept_for(tonumber(job.result_ttl)))
  end
  if links.batch then count_in_batch(links.batch, status, 1) end
  settle(MOST_SETTLED)
end

-- {'PARENT', id, status} of a job that an ended one depends on and that is neither complete nor will be, or nil.
local function broken_parent(links)
  if not links.depends_on or links.allow_failure then return nil end
  for _, parent in ipairs(ids_in(links.depends_on)) do
    local status = rec('HGET', job_key(parent), 'status') or 'gone'
    if status == 'failed' or status == 'cancelled' or status == 'gone' or status == 'deleted' then return {'PARENT', parent, status} end
  end
end

-- What a further run of an ended job means for others. Returns the number of jobs that it waits for.
local function come_back(job, links)
  if links.quota and links.by then rec('HINCRBY', PREFIX .. 'quota.pending', links.by, 1) end
  if links.batch then count_in_batch(links.batch, job.status, -1) end
  return links.depends_on and depend(job, ids_in(links.depends_on)) or 0
end
