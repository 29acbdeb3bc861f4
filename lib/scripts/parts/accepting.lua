-- Accepting jobs: shared by submit, fill_batch and fire.
--@include ends
--@include rules
-- Words from `first` on hold for each job: id, digest, priority, when (seconds from now, or 'at ' and seconds since 1970), operation,
--   rules (JSON for parts/rules.lua, or ''), number of further values, field, value, ...
local function read_jobs(words, first)
  local jobs, i = {}, first
  while i <= #words do
    local n = tonumber(words[i + 6])
    local job = {id = words[i], digest = words[i + 1], priority = words[i + 2], operation = words[i + 4],
      rules = words[i + 5] ~= '' and cjson.decode(words[i + 5]), fields = {unpack(words, i + 7, i + 6 + n)}}
    for k = 1, n, 2 do
      if job.fields[k] == 'by' then job.asker = job.fields[k + 1] end
    end
    local moment = string.match(words[i + 3], '^at (.+)$')
    job.delay = moment and math.max(0, tonumber(moment) - NOW) or tonumber(words[i + 3])
    jobs[#jobs + 1] = job
    i = i + 7 + n
  end
  return jobs
end

-- Whether a job is new, by its id and digest, or those of its idempotency key.
local function code_of(job, idempotency)
  local known = idempotency ~= '' and rec('GET', idempotency)
  if known then job.id = known end
  job.key = job_key(job.id)
  if rec('EXISTS', job.key) == 0 then return 'NEW' end
  return redis.pcall('HGET', job.key, 'digest') == job.digest and 'REPLAYED' or 'CONFLICT' -- also where it is no record
end

local function add(values, a, b)
  values[#values + 1] = a
  values[#values + 1] = b
end

-- Put new jobs into their lists and the order in which they wait: `lists` by priority, `waiting` as score, id, ...
-- Returns the position of a single one, or false.
local function enlist(queue, lists, waiting)
  if not waiting[1] then return false end
  local paused = is_paused(queue)
  for priority, ids in pairs(lists) do
    if ids[1] then que('RPUSH', list_key(queue, priority) .. (paused and '.paused' or ''), unpack(ids)) end
  end
  que('ZADD', queue_key(queue, 'waiting'), unpack(waiting))
  local position = #waiting == 2 and que('ZRANK', queue_key(queue, 'waiting'), waiting[2])
  if not paused then ring(queue, #waiting / 2) end
  return position
end

-- Write the records and events of new jobs one by one; indexes, counters and lists with one command for all.
-- Returns the position of a single one that waits, or false.
local function write_jobs(fresh, queue, idempotency)
  local index, counts, lists, waiting, due = {}, {}, {high = {}, normal = {}, low = {}}, {}, {}
  local seq, all = next_seq(#fresh), {}
  for n, job in ipairs(fresh) do
    local order, ready = seq + n - 1, seconds(NOW + job.delay)
    local status = job.status or (job.delay > 0 and 'scheduled' or 'submitted')
    job.seq, job.ready, job.queue = string.format('%.0f', order), ready, queue
    rec('HSET', job.key, 'status', status, 'queue', queue, 'priority', job.priority, 'seq', job.seq,
      'submitted', NOW_TEXT, 'ready', ready, 'digest', job.digest, unpack(job.fields))
    if idempotency ~= '' then
      rec('SET', idempotency, job.id)
      rec('HSET', job.key, 'idempotency', idempotency)
    end
    event(job, status, status == 'complete' and 'cached' or '')
    index[status] = index[status] or {}
    add(index[status], job.seq, job.id)
    add(all, job.seq, job.id)
    counts[job.operation] = (counts[job.operation] or 0) + 1
    if status == 'scheduled' then
      add(due, ready, job.id)
    elseif status == 'submitted' then
      add(lists[job.priority], job.id)
      add(waiting, waiting_score(job.priority, order), job.id)
    end
  end
  rec('ZADD', PREFIX .. 'jobs', unpack(all))
  for status, entries in pairs(index) do rec('ZADD', PREFIX .. 'jobs.' .. status, unpack(entries)) end
  for operation, number in pairs(counts) do count('submitted|' .. operation .. '|' .. queue, number) end
  if due[1] then que('ZADD', queue_key(queue, 'scheduled'), unpack(due)) end
  local position = enlist(queue, lists, waiting)
  for _, job in ipairs(fresh) do -- last: a job whose parents have all ended joins the lists behind those that came before it
    if job.rules then keep_rules(job) end
  end
  return position
end

-- How many jobs stand in a queue; nil where it drains.
local function depth_of(queue)
  if is_draining(queue) then return nil end
  return que('ZCARD', queue_key(queue, 'waiting')) + que('ZCARD', queue_key(queue, 'scheduled'))
end

-- Whether a queue of that depth takes so many jobs more: nil, or a refusal of the whole call. With `waits`, jobs that wait for others
-- count, too.
local function no_room(depth, number, waits)
  if not depth then return {'DRAINING'} end
  if waits then depth = depth + rec('ZCARD', PREFIX .. 'jobs.waiting') end
  if depth + number > @QUEUE_LIMIT@ then return {'FULL', depth} end
end

-- Returns with nothing written {'DRAINING'}, {'FULL', depth}, {'PARENT', job, parent that is not there} or {'QUOTA', pending or minute, limit,
--   seconds until later}; else {'OK', time, position of a single new job that waits or false, code, id, seq, ready, code, id, ...}
--   where code is NEW, SETTLED (new, and more happened to it), CACHED (new, and complete), REPLAYED (the same id or idempotency
--   key with the same digest: nothing written but the count of replays), CONFLICT (with another digest), DUPLICATE (another job
--   stands for it) or DEBOUNCED (it took the place of another one, whose id it has now); seq and ready stand with NEW and are ''
--   with others. With `sure`, what is refused here was looked at before, and nothing is.
local function accept(queue, idempotency, words, first, sure)
  local jobs, fresh, depth = read_jobs(words, first), {}, not sure and depth_of(queue)
  local call = {ids = {}, unique = {}, quota = 0, sure = sure}
  for _, job in ipairs(jobs) do
    job.code = code_of(job, idempotency)
    if job.code == 'NEW' and job.rules then
      local refusal = judge(job, call)
      if refusal then return refusal end
    end
    if job.code == 'NEW' then
      fresh[#fresh + 1] = job
      call.ids[job.id] = true
    end
  end
  local refusal = #fresh > 0 and not sure and no_room(depth, #fresh, call.parents)
  if refusal then return refusal end

  local position = #fresh > 0 and write_jobs(fresh, queue, idempotency)
  local reply = {'OK', NOW_TEXT, position}
  for _, job in ipairs(jobs) do
    if job.code == 'REPLAYED' then rec('HINCRBY', job.key, 'replays', 1) end
    if job.code == 'DUPLICATE' or job.code == 'DEBOUNCED' then stand_for(job) end
    local code = job.code ~= 'NEW' and job.code or job.status == 'complete' and 'CACHED' or job.status and 'SETTLED' or 'NEW'
    add(reply, code, job.id)
    add(reply, code == 'NEW' and job.seq or '', code == 'NEW' and job.ready or '')
  end
  return reply
end
