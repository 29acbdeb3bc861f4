-- Running an ended job again: shared by all that retry, who set `job.asker`. The ended run is kept in the record.
-- Returns nil, or with nothing written {'STATE', status} (it is neither failed nor cancelled), {'DRAINING', queue}, or
-- {'PARENT', job, status} (it depends on one that is neither complete nor will be).
--@include ends
local function rerun(job)
  if job.status ~= 'failed' and job.status ~= 'cancelled' then return {'STATE', job.status} end
  if is_draining(job.queue) then return {'DRAINING', job.queue} end
  local run = tonumber(job.run or 0)
  local links = job.links and links_of(job)
  local broken = links and broken_parent(links)
  if broken then return broken end
  local parts, gone = {}, {'started', 'ended', 'result', 'error', 'crashes', 'lost', 'retries', 'releases', 'cancelled_by', 'worker',
    'fingerprint', 'data_version', 'cached', 'admitted'}
  for n = math.max(1, numeric(job.attempt, 0) - ATTEMPTS_KEPT), numeric(job.attempt, 0) do
    local text = rec('HGET', job.key, 'attempt.' .. n)
    if text then
      parts[#parts + 1] = text
      gone[#gone + 1] = 'attempt.' .. n
    end
  end
  local ended = rec('HMGET', job.key, 'started', 'ended', 'error')
  rec('HSET', job.key, 'run.' .. run, '{"run":' .. run .. ',"status":"' .. job.status .. '","started":' .. (ended[1] or 'null')
    .. ',"ended":' .. (ended[2] or 'null') .. ',"error":' .. (ended[3] or 'null') .. ',"attempts":[' .. table.concat(parts, ',') .. ']}')
  if run >= 10 then rec('HDEL', job.key, 'run.' .. (run - 10)) end
  forget_failure(job)
  rec('HDEL', job.key, unpack(gone))
  rec('DEL', job.key .. '.files')
  rec('ZREM', PREFIX .. 'jobs.expiry', job.id)
  count('rerun|' .. job.operation)
  job.attempt = 0
  local waits = links and come_back(job, links) > 0
  move(job, waits and 'waiting' or 'submitted', 'rerun', {'run', run + 1, 'attempt', 0, 'ready', seconds(NOW)})
  if not waits then push(job, false) end
end
