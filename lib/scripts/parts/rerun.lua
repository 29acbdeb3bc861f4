-- Running an ended job again: shared by retry and whatever else retries. The caller has checked that the job is failed or
-- cancelled; the ended run is kept in the record.
--@include lists
--@include failures
local function rerun(job)
  local run = tonumber(job.run or 0)
  local parts, gone = {}, {'started', 'ended', 'result', 'error', 'crashes', 'lost', 'retries', 'releases', 'cancelled_by', 'worker',
    'fingerprint'}
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
  forget_failure(job)
  rec('HDEL', job.key, unpack(gone))
  rec('DEL', job.key .. '.files')
  rec('ZREM', PREFIX .. 'jobs.expiry', job.id)
  count('rerun|' .. job.operation)
  job.attempt = 0
  move(job, 'submitted', 'rerun', {'run', run + 1, 'attempt', 0, 'ready', seconds(NOW)})
  push(job, false)
end
