#!lua flags=allow-oom
-- Cancel a part of what stands in one list, or one sorted set, of a queue. A list is turned once: what is kept goes to its
-- tail in order, so that calls for as many entries as it had go through all of it and through nothing that came later.
-- Keys: the list or <queue>.{unserved,limited,scheduled}, job.<id>, jobs.*, events, metrics; <queue>.waiting, dead.
-- ARGV: queue, list (priority, with or without .paused) or unserved, limited or scheduled, most entries (0: only count), entries of the
--   sorted set that calls before have kept, time (microseconds) after which a submitted job is left alone, 1 to drop foreign
--   entries, by whom.
-- Returns {entries looked at, entries after them, jobs cancelled, foreign entries}; the latter are gone where they were to be dropped.
--@include withdrawal
local queue, place, most, kept_before = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local cancelled, foreign = 0, 0

-- Cancel a job that waits by `take`, if it was submitted early enough; whether it was.
local function purge(job, take)
  if tonumber(job.seq) > tonumber(ARGV[5]) then return false end
  job.asker = ARGV[7]
  take(job, 'purged')
  rec('HSET', job.key, 'cancelled_by', ARGV[7])
  cancelled = cancelled + 1
  return true
end

if place == 'unserved' or place == 'limited' or place == 'scheduled' then
  local key, status = queue_key(queue, place), place == 'scheduled' and 'scheduled' or 'submitted'
  local behind = que('ZCARD', key) - kept_before
  local ids = most > 0 and que('ZRANGE', key, kept_before, kept_before + most - 1) or {}
  for _, id in ipairs(ids) do
    local job = load(id)
    if job and job.status == status then purge(job, withdraw) end
  end
  return {#ids, behind - #ids, cancelled, 0}
end

local priority, paused = string.match(place, '^(%a+)(.*)$')
local key = list_key(queue, priority) .. paused
at(QUEUES)
local length = redis.pcall('LLEN', key) -- another program may have something else of that name
if type(length) ~= 'number' then return {0, 0, 0, 0} end
if most == 0 or length == 0 then return {0, length, 0, 0} end
-- Its entry is out of the list already.
local function take_out(job, reason)
  que('ZREM', queue_key(queue, 'waiting'), job.id)
  conclude(job, 'cancelled', reason)
end
local entries = que('LRANGE', key, 0, most - 1)
que('LTRIM', key, #entries, -1)
for _, entry in ipairs(entries) do
  local job = #entry <= 64 and string.find(entry, '^[%w_-]+$') and load(entry)
  if not job then
    foreign = foreign + 1
    if ARGV[6] ~= '1' then que('RPUSH', key, entry) end
  elseif job.status ~= 'submitted' or list_key(job.queue, job.priority) .. paused ~= key or lies_aside(job) then
    drop_listed(job) -- it has ended or runs, or another program has put an id here that stands elsewhere
  elseif not purge(job, take_out) then
    que('RPUSH', key, entry)
  end
end
if foreign > 0 and ARGV[6] == '1' then count('purged|' .. queue, foreign) end
return {#entries, length - #entries, cancelled, foreign}
