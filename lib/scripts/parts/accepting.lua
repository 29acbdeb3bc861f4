-- Accepting jobs: shared by submit and fire.
--@include lists
-- ARGV from `first` on holds for each job: id, digest, priority, delay (s), operation, number of further values, field, value, ...
-- Returns {'DRAINING'} or {'FULL', depth} with nothing written, or {'OK', time, position of a single new job that waits or false, code, id,
--   seq, ready, code, id, ...} where code is NEW, REPLAYED (the same id or idempotency key with the same digest: nothing written
--   but the count of replays) or CONFLICT (with another digest); seq and ready stand with new ones and are '' with others.
local function accept(queue, idempotency, first)
  local depth = que('ZCARD', queue_key(queue, 'waiting')) + que('ZCARD', queue_key(queue, 'scheduled'))
  local jobs, fresh, i = {}, {}, first
  while i <= #ARGV do
    local n = tonumber(ARGV[i + 5])
    local job = {id = ARGV[i], digest = ARGV[i + 1], priority = ARGV[i + 2], delay = tonumber(ARGV[i + 3]), operation = ARGV[i + 4],
      fields = {unpack(ARGV, i + 6, i + 5 + n)}}
    i = i + 6 + n
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
      fresh[#fresh + 1] = job
    end
    jobs[#jobs + 1] = job
  end
  if #fresh > 0 and is_draining(queue) then return {'DRAINING'} end
  if #fresh > 0 and depth + #fresh > @QUEUE_LIMIT@ then return {'FULL', depth} end

  -- Records and events one by one; indexes, counters and lists with one command for all.
  local index = {scheduled = {}, submitted = {}}
  local counts, lists, waiting, due = {}, {high = {}, normal = {}, low = {}}, {}, {}
  local function add(values, a, b)
    values[#values + 1] = a
    values[#values + 1] = b
  end
  local seq = #fresh > 0 and next_seq(#fresh)
  for n, job in ipairs(fresh) do
    local order, ready = seq + n - 1, seconds(NOW + job.delay)
    local status = job.delay > 0 and 'scheduled' or 'submitted'
    job.seq, job.ready = string.format('%.0f', order), ready
    rec('HSET', job.key, 'status', status, 'queue', queue, 'priority', job.priority, 'seq', job.seq,
      'submitted', NOW_TEXT, 'ready', ready, 'digest', job.digest, unpack(job.fields))
    if idempotency ~= '' then
      rec('SET', idempotency, job.id)
      rec('HSET', job.key, 'idempotency', idempotency)
    end
    event(job, status)
    add(index[status], job.seq, job.id)
    counts[job.operation] = (counts[job.operation] or 0) + 1
    if job.delay > 0 then
      add(due, ready, job.id)
    else
      add(lists[job.priority], job.id)
      add(waiting, waiting_score(job.priority, order), job.id)
    end
  end
  for status, entries in pairs(index) do
    if entries[1] then
      rec('ZADD', PREFIX .. 'jobs', unpack(entries))
      rec('ZADD', PREFIX .. 'jobs.' .. status, unpack(entries))
    end
  end
  for operation, number in pairs(counts) do count('submitted|' .. operation .. '|' .. queue, number) end
  local reply = {'OK', NOW_TEXT, false}
  for _, job in ipairs(jobs) do
    if job.code == 'REPLAYED' then rec('HINCRBY', job.key, 'replays', 1) end
    add(reply, job.code, job.id)
    add(reply, job.seq or '', job.ready or '')
  end
  if due[1] then que('ZADD', queue_key(queue, 'scheduled'), unpack(due)) end
  if waiting[1] then
    local paused = is_paused(queue)
    for priority, ids in pairs(lists) do
      if ids[1] then que('RPUSH', list_key(queue, priority) .. (paused and '.paused' or ''), unpack(ids)) end
    end
    que('ZADD', queue_key(queue, 'waiting'), unpack(waiting))
    if #waiting == 2 then reply[3] = que('ZRANK', queue_key(queue, 'waiting'), waiting[2]) end
    if not paused then ring(queue, #waiting / 2) end
  end
  return reply
end
