-- Taking away what a release holds, part by part, before a restore: of jobs, batches, schedules and data all of it. Children that wait stay
-- registered, and sign-ins and uploads stay.
--@include ends
--@include announcing
local SHADOW = PREFIX .. 'restore.' .. ARGV[1] .. '.' -- where the keys of this restore lie
local ABOUT = PREFIX .. 'restore'

-- The release's own queues and those that a job was ever seen in.
local function all_queues()
  local names, seen = cjson.decode(rec('HGET', ABOUT, 'queues')), {}
  for _, name in ipairs(names) do seen[name] = true end
  for _, name in ipairs(rec('SMEMBERS', ABOUT .. '.queues')) do
    if not seen[name] then names[#names + 1] = name end
  end
  return names
end

local function clear_job(id)
  local job, key = load(id), job_key(id)
  rec('DEL', key .. '.log', key .. '.files', key .. '.dependents')
  forget_deliveries('job', id)
  if not job then return end
  rec('SADD', ABOUT .. '.queues', job.queue)
  if job.unique then rec('DEL', PREFIX .. 'unique.' .. job.unique) end
  if job.idempotency then rec('DEL', job.idempotency) end
  if job.staged and job.token then rec('DEL', key .. '.files.' .. job.token) end
  local limited = job.limits and cjson.decode(job.limits).key
  if limited then rec('DEL', PREFIX .. 'limit.' .. limited, PREFIX .. 'limit.' .. limited .. '.waiting') end
  rec('DEL', key)
end

local function clear_jobs(most)
  local ids = rec('ZRANGE', PREFIX .. 'jobs', 0, most - 1)
  for _, id in ipairs(ids) do clear_job(id) end
  rec('ZREMRANGEBYRANK', PREFIX .. 'jobs', 0, #ids - 1)
  return #ids
end

-- Jobs that were deleted leave a trace of their record as long as their id is listed.
local function clear_lists(most)
  for _, queue in ipairs(all_queues()) do
    for _, priority in ipairs(PRIORITIES) do
      local key = list_key(queue, priority)
      for _, list in ipairs({key, key .. '.paused'}) do
        at(QUEUES)
        local entries = redis.pcall('LRANGE', list, 0, most - 1)
        if not entries.err and entries[1] then
          for _, entry in ipairs(entries) do
            local job = #entry <= 64 and string.find(entry, '^[%w_-]+$') and load(entry)
            if job and job.status == 'deleted' then rec('DEL', job.key) end
          end
          que('LTRIM', list, #entries, -1)
          return #entries
        end
      end
    end
  end
  return 0
end

local function clear_batches(most)
  local ids = rec('ZRANGE', PREFIX .. 'batches', 0, most - 1)
  for _, id in ipairs(ids) do
    local key = PREFIX .. 'batch.' .. id
    forget_deliveries('batch', id)
    rec('DEL', key, key .. '.jobs', key .. '.todo')
    rec('ZREM', PREFIX .. 'batches', id)
  end
  return #ids
end

local function clear_rest()
  local left = rec('EXISTS', ABOUT .. '.cleared') == 0
  if not left then return 0 end
  for _, fingerprint in ipairs(rec('ZRANGE', PREFIX .. 'failures', 0, -1)) do rec('DEL', PREFIX .. 'failures.' .. fingerprint) end
  for _, id in ipairs(rec('ZRANGE', PREFIX .. 'schedules', 0, -1)) do rec('DEL', PREFIX .. 'schedule.' .. id) end
  for _, version in ipairs(rec('ZRANGE', PREFIX .. 'data.versions', 0, -1)) do
    local key = PREFIX .. 'data.' .. version
    local n = 0
    while rec('UNLINK', key .. '.' .. n) == 1 do n = n + 1 end
    rec('DEL', key)
  end
  for status in string.gmatch('scheduled waiting submitted in-progress complete failed cancelled expiry gone seq', '%S+') do
    rec('DEL', PREFIX .. 'jobs.' .. status)
  end
  for name in string.gmatch('failures failures.first metrics metrics.exemplars history.hour history.day history.week events '
      .. 'schedules schedules.due deliveries.due deliveries.held dependents.due batches.open batches.expiry quota.pending '
      .. 'data.versions data.current', '%S+') do
    rec('UNLINK', PREFIX .. name)
  end
  for _, name in ipairs({'holds', 'paused', 'draining', 'dead', 'front'}) do que('DEL', PREFIX .. name) end
  for _, queue in ipairs(all_queues()) do
    for _, name in ipairs({'waiting', 'leases', 'scheduled', 'unserved', 'limited', 'rejected'}) do que('UNLINK', queue_key(queue, name)) end
  end
  rec('SET', ABOUT .. '.cleared', 1)
  return 1
end
