#!lua flags=allow-oom
-- Run a failed or cancelled job again; the ended run is kept in the record.
-- Keys: job.<id>, jobs.*, events; <queue>.{waiting,idle}, lists. ARGV: id, number of the ended run (so that it may be sent twice).
-- Returns {'OK'}, {'AGAIN'} (this run was retried before), {'RUN', its number now}, {'STATE', status}, {'UNKNOWN'}.
--@include lists
local job, run = load(ARGV[1]), tonumber(ARGV[2])
if not job or job.status == 'deleted' then return {'UNKNOWN'} end
local current = tonumber(job.run or 0)
if current == run + 1 then
  rec('HINCRBY', job.key, 'replays', 1) -- strict durability waits for a write of the connection that asks
  return {'AGAIN'}
end
if current ~= run then return {'RUN', tostring(current)} end
if job.status ~= 'failed' and job.status ~= 'cancelled' then return {'STATE', job.status} end
local parts, gone = {}, {'started', 'ended', 'result', 'error', 'crashes', 'lost', 'retries', 'releases', 'cancelled_by', 'worker'}
for n = 1, tonumber(job.attempt or 0) do
  local text = rec('HGET', job.key, 'attempt.' .. n)
  if text then
    parts[#parts + 1] = text
    gone[#gone + 1] = 'attempt.' .. n
  end
end
local ended = rec('HMGET', job.key, 'started', 'ended', 'error')
rec('HSET', job.key, 'run.' .. run, '{"run":' .. run .. ',"status":"' .. job.status .. '","started":' .. (ended[1] or 'null')
  .. ',"ended":' .. ended[2] .. ',"error":' .. (ended[3] or 'null') .. ',"attempts":[' .. table.concat(parts, ',') .. ']}')
if run >= 10 then rec('HDEL', job.key, 'run.' .. (run - 10)) end
rec('HDEL', job.key, unpack(gone))
rec('DEL', job.key .. '.files')
rec('ZREM', PREFIX .. 'jobs.expiry', job.id)
count('rerun|' .. job.operation)
job.attempt = 0
move(job, 'submitted', 'rerun', {'run', run + 1, 'attempt', 0, 'ready', seconds(NOW)})
push(job, false)
return {'OK'}
