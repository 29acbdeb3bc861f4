#!lua flags=allow-oom
-- Lay aside what stands under the names of the release's own keys and has another type, and tell others of jobs whose damaged record was
--   laid to rest (parts/records.lua).
-- Keys: those named below, damaged, damaged.*, damaged.due; for jobs those of finish. ARGV: most jobs in one call, queue, ...
-- Returns how many jobs were told of.
--@include ends
local TYPES = {
  [RECORDS] = {zset = 'jobs jobs.expiry jobs.gone failures schedules schedules.due deliveries.due dependents.due batches batches.open '
      .. 'batches.expiry workers data.versions damaged.due', hash = 'metrics metrics.exemplars failures.first deliveries.held quota.pending upkeep.seen',
    stream = 'events history.hour history.day history.week', string = 'jobs.seq data.current'},
  [QUEUES] = {hash = 'idle holds paused draining dead', zset = 'closed', string = 'front'},
}
local function expect(db, key, kind)
  at(db)
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then lay_aside(db, key) end
end
for db, kinds in pairs(TYPES) do
  for kind, names in pairs(kinds) do
    for name in string.gmatch(names, '%S+') do expect(db, PREFIX .. name, kind) end
  end
end
for _, status in ipairs(STATUSES) do expect(RECORDS, PREFIX .. 'jobs.' .. status, 'zset') end
for i = 2, #ARGV do
  for part in string.gmatch('waiting leases scheduled unserved limited idle', '%S+') do expect(QUEUES, queue_key(ARGV[i], part), 'zset') end
  expect(QUEUES, queue_key(ARGV[i], 'rejected'), 'list')
  for _, priority in ipairs(PRIORITIES) do
    for _, suffix in ipairs({'', '.paused'}) do
      if not ADOPTED[ARGV[i]] then expect(QUEUES, list_key(ARGV[i], priority) .. suffix, 'list') end
    end
  end
end
local due = rec('ZPOPMIN', PREFIX .. 'damaged.due', ARGV[1])
for n = 1, #due, 2 do
  local job = load(due[n])
  if job and job.status == 'failed' then
    if job.limits then free_place(job) end
    if job.notify then announce('job', job.id, job.run or 0, 'failed', job.notify) end
    farewell(job, 'failed')
  end
end
return #due / 2
