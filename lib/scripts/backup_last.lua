#!lua flags=no-writes
-- The moment that a backup is of: what changed since it was read last, and all that changes without an event, at once; if that is not
-- too much.
-- Keys: events, jobs, jobs.*, job.<id>*, delivery.<id>, unique.<digest>, batches, batch.<id>*, schedules, schedule.<id>, metrics*,
--   failures.first, jobs.seq; lists of the queues, <queue>.{waiting}, paused, draining, dead.
-- ARGV: id of the last event that was read, most jobs, time (microseconds) since when all batches are asked for, number of queues,
--   queue, ..., batch, ...
-- Returns {'MORE', id of the last event read now, id of a job, ...} where more than `most` have changed, or
--   {'LAST', id of the last event, jobs.seq, metrics, exemplars, first failures, paused, draining,
--    {{schedule, score, record}, ...}, {{batch, score or false, record, todo, deliveries}, ...},
--    {{queue, priority, {place, bytes, ...}}, ...}, {job as parts/whole.lua says, ...}}.
--@include whole
local MOST_RUNNING = 1000 -- running jobs that are read again, changed or not: what they log, and who cancels them, leaves no event
local since, most = ARGV[1], tonumber(ARGV[2])
local events = rec('XRANGE', PREFIX .. 'events', '(' .. since, '+', 'COUNT', 20 * most)
local last = events[1] and events[#events][1] or since
local changed, seen = {}, {}
local function note(id)
  if id ~= '' and not seen[id] then
    seen[id], changed[#changed + 1] = true, id
  end
end
for _, event in ipairs(events) do
  if event[2][1] == 'id' then note(event[2][2]) end
end
if #changed > most or #events == 20 * most then return {'MORE', last, unpack(changed)} end
for _, id in ipairs(rec('ZRANGE', PREFIX .. 'jobs.in-progress', 0, MOST_RUNNING - 1)) do note(id) end

local first_batch = 5 + tonumber(ARGV[4])
local batches, asked = {}, rec('ZRANGEBYSCORE', PREFIX .. 'batches', ARGV[3], '+inf')
for i = first_batch, #ARGV do asked[#asked + 1] = ARGV[i] end
for _, id in ipairs(changed) do
  at(RECORDS)
  local batch = redis.pcall('HGET', job_key(id), 'batch')
  if type(batch) == 'string' then asked[#asked + 1] = batch end
end
for _, id in ipairs(asked) do
  if not seen['batch ' .. id] then
    seen['batch ' .. id] = true
    local key = PREFIX .. 'batch.' .. id
    batches[#batches + 1] = {id, rec('ZSCORE', PREFIX .. 'batches', id), rec('HGETALL', key), rec('LRANGE', key .. '.todo', 0, -1),
      deliveries_of('batch', id)}
  end
end

local schedules, indexed = {}, rec('ZRANGE', PREFIX .. 'schedules', 0, -1, 'WITHSCORES')
for i = 1, #indexed, 2 do
  schedules[#schedules + 1] = {indexed[i], indexed[i + 1], rec('HGETALL', PREFIX .. 'schedule.' .. indexed[i])}
end

-- What others put on a list and nobody has claimed yet stands there and nowhere else. A list is gone through only where there is some:
-- its entries are more than the jobs that wait and the dead ids.
local function strangers(key, queue, priority)
  local found, place, start = {}, 0, 0
  for _, list in ipairs({key .. '.paused', key}) do
    start = 0
    while que('TYPE', list).ok == 'list' do
      local entries = que('LRANGE', list, start, start + 999)
      for _, entry in ipairs(entries) do
        local job = #entry <= 64 and string.find(entry, '^[%w_-]+$') and load(entry, {'v', 'status', 'queue', 'priority'})
        if not job then
          found[#found + 1], found[#found + 2] = string.format('%.0f', place), entry
        elseif job.status == 'submitted' then
          place = numeric(que('ZSCORE', queue_key(queue, 'waiting'), entry), place)
        end
      end
      if #entries < 1000 then break end
      start = start + 1000
    end
  end
  return found
end
local foreign = {}
for i = 5, first_batch - 1 do
  local queue, surplus = ARGV[i], -que('ZCARD', queue_key(ARGV[i], 'waiting'))
  for _, priority in ipairs(PRIORITIES) do
    local key = list_key(queue, priority)
    for _, list in ipairs({key, key .. '.paused'}) do
      at(QUEUES)
      local length = redis.pcall('LLEN', list)
      if type(length) == 'number' then surplus = surplus + length end
    end
    surplus = surplus - numeric(que('HGET', PREFIX .. 'dead', key), 0)
  end
  for _, priority in ipairs(surplus ~= 0 and PRIORITIES or {}) do
    local found = strangers(list_key(queue, priority), queue, priority)
    if found[1] then foreign[#foreign + 1] = {queue, priority, found} end
  end
end

local jobs = wholes(changed, math.huge)
return {'LAST', last, rec('GET', PREFIX .. 'jobs.seq') or '0', rec('HGETALL', PREFIX .. 'metrics'),
  rec('HGETALL', PREFIX .. 'metrics.exemplars'), rec('HGETALL', PREFIX .. 'failures.first'), que('HGETALL', PREFIX .. 'paused'),
  que('HGETALL', PREFIX .. 'draining'), schedules, batches, foreign, jobs}
