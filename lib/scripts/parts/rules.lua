-- What must be looked at before a job is accepted, where its submission says so: the jobs it depends on, another job that stands
-- for it, an earlier result, the quota of its submitter. `judge` only reads; `keep_rules` and `stand_for` write.
--@include links
-- Whether a submitter may have so many jobs more: nil, or a refusal of the whole call.
local function over_quota(quota, number)
  local pending = numeric(quota.pending and rec('HGET', PREFIX .. 'quota.pending', quota.of), 0)
  if quota.pending and pending + number > quota.pending then return {'QUOTA', 'pending', quota.pending, 5} end
  local minute = math.floor(NOW / 60)
  local sent = numeric(quota.minute and rec('GET', PREFIX .. 'quota.' .. quota.of .. '.' .. minute), 0)
  if quota.minute and sent + number > quota.minute then
    return {'QUOTA', 'minute', quota.minute, math.ceil((minute + 1) * 60 - NOW)}
  end
end

-- The job that stands for this one, if there is one.
local function find_twin(job, rules, call)
  local known = call.unique[rules.unique] or rec('GET', PREFIX .. 'unique.' .. rules.unique)
  local status = known and (call.ids[known] and 'new' or rec('HGET', job_key(known), 'status'))
  if status and rules.per == 'debounce' then
    if status == 'new' or status == 'scheduled' then job.code = 'DEBOUNCED' end
  elseif status and status ~= 'deleted' and (rules.per == 'throttle' or not ENDED[status]) then
    job.code = 'DUPLICATE'
  end
  if job.code ~= 'NEW' then
    job.twin = known
  else
    call.unique[rules.unique] = job.id
    if rules.per == 'debounce' then job.delay = rules.seconds end
  end
end

local function find_parents(job, rules, call)
  call.parents, job.status = true, 'waiting'
  for _, parent in ipairs(rules.parents) do
    local status = call.ids[parent] and 'submitted' or rec('HGET', job_key(parent), 'status')
    if (not status or status == 'deleted') and not call.sure then return {'PARENT', job.id, parent} end
  end
end

-- Decide what becomes of a new job. Returns a refusal of the whole call, or nil.
local function judge(job, call)
  local rules = job.rules
  if rules.unique then
    find_twin(job, rules, call)
    if job.code ~= 'NEW' then return nil end
  end
  if rules.quota and not call.sure then
    call.quota = call.quota + 1
    local refusal = over_quota(rules.quota, call.quota)
    if refusal then return refusal end
  end
  if rules.parents then return find_parents(job, rules, call) end
  if rules.cache then
    job.version = rec('GET', PREFIX .. 'data.current') or ''
    local source = rec('GET', cache_key(rules.cache, job.version))
    if source and job.delay == 0 and rec('HGET', job_key(source), 'status') == 'complete' then
      job.source, job.status = source, 'complete'
    end
  end
end

-- After the record of a new job is written.
local function keep_rules(job)
  local rules = job.rules
  if rules.unique then
    local key = PREFIX .. 'unique.' .. rules.unique
    rec('SET', key, job.id)
    if rules.per == 'throttle' then rec('PEXPIRE', key, math.ceil(rules.seconds * 1000)) end
    rec('HSET', job.key, 'unique', rules.unique)
  end
  if rules.quota then
    rec('HINCRBY', PREFIX .. 'quota.pending', rules.quota.of, 1)
    if rules.quota.minute then
      local key = PREFIX .. 'quota.' .. rules.quota.of .. '.' .. math.floor(NOW / 60)
      rec('INCR', key)
      rec('EXPIRE', key, 120)
    end
  end
  if rules.batch then rec('ZADD', PREFIX .. 'batch.' .. rules.batch .. '.jobs', job.seq, job.id) end
  if rules.parents then
    local child = load(job.id)
    local pending = depend(child, rules.parents)
    local broken = broken_parent(links_of(child)) -- asked now: a parent may have failed in this very call
    if broken then
      fail_orphan(child, broken[2], broken[3])
    elseif pending == 0 then
      set_out(child)
    end
  end
  if job.source then
    local source = job_key(job.source)
    rec('HSET', job.key, 'result', rec('HGET', source, 'result'), 'ended', NOW_TEXT, 'cached', job.source, 'data_version', job.version)
    rec('COPY', source .. '.files', job.key .. '.files')
    local whole = load(job.id)
    rec('ZADD', PREFIX .. 'jobs.expiry', seconds(NOW + tonumber(whole.result_ttl)), job.id)
    count('complete|' .. job.operation)
    count('cached|' .. job.operation)
    if whole.notify then announce('job', job.id, 0, 'complete', whole.notify) end
    farewell(whole, 'complete')
  end
end

-- Where another job stands for this one: a debounced one gets its input and waits anew.
local function stand_for(job)
  count('deduplicated|' .. job.operation)
  if job.code == 'DEBOUNCED' then
    local twin, ready = load(job.twin), seconds(NOW + job.rules.seconds)
    local given = {}
    for i = 1, #job.fields, 2 do given[job.fields[i]] = job.fields[i + 1] end
    rec('HSET', twin.key, 'ready', ready, 'input', given.input)
    if given.params then rec('HSET', twin.key, 'params', given.params) else rec('HDEL', twin.key, 'params') end
    que('ZADD', queue_key(twin.queue, 'scheduled'), ready, twin.id)
    twin.asker = job.asker
    event(twin, 'scheduled', 'debounced')
  end
  job.id = job.twin
end
