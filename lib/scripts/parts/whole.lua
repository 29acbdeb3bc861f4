-- A job with all that belongs to it, as a backup keeps it: shared by the scripts of backups, which only read.
--@include jobs
local function add_sizes(sum, values)
  for _, value in ipairs(values) do sum = sum + #value end
  return sum
end

-- {delivery, its fields, ...} of a job or batch.
local function deliveries_of(kind, id)
  local found = {}
  for _, delivery in ipairs(rec('LRANGE', PREFIX .. kind .. '.' .. id .. '.deliveries', 0, -1)) do
    found[#found + 1] = delivery
    found[#found + 1] = rec('HGETALL', PREFIX .. 'delivery.' .. delivery)
  end
  return found
end

-- Returns {id, record, its place among those that wait or '', when its hold on `unique` ends (ms; -1: never; '': it has none), files,
-- log, deliveries} and the bytes of it; {id} and 0 where there is no such job.
local function whole(id)
  at(RECORDS)
  local record = redis.pcall('HGETALL', job_key(id))
  local job = not record.err and load(id)
  if not job or job.status == 'deleted' then return {id}, 0 end
  local place, unique = job.status == 'submitted' and que('ZSCORE', queue_key(job.queue, 'waiting'), id) or '', ''
  local held = job.unique and PREFIX .. 'unique.' .. job.unique
  if held and rec('GET', held) == id then unique = rec('PEXPIRETIME', held) end
  local files = job.status == 'complete' and rec('HGETALL', job.key .. '.files') or {}
  local log, bytes = rec('XRANGE', job.key .. '.log', '-', '+'), 0
  for _, entry in ipairs(log) do bytes = add_sizes(bytes, entry[2]) end
  local deliveries = job.notify and deliveries_of('job', id) or {}
  return {id, record, place, unique, files, log, deliveries}, add_sizes(add_sizes(bytes, record), files)
end

-- Of these ids, as many as fit: at least one, and no further one once `most` bytes are reached. Returns them and their number.
local function wholes(ids, most)
  local found, sum = {}, 0
  for n, id in ipairs(ids) do
    local job, bytes = whole(id)
    found[n], sum = job, sum + bytes
    if sum >= most then break end
  end
  return found, #found
end
