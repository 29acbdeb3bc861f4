-- Retrying one job by the number of the run that ended: shared by retry and each.
--@include rerun
-- Returns {'OK'}, {'AGAIN'} (this run was retried before), {'RUN', its number now}, {'UNKNOWN'}, or what parts/rerun.lua says.
local function retry(id, run, by)
  local job = load(id)
  if not job or job.status == 'deleted' then return {'UNKNOWN'} end
  local current = tonumber(job.run or 0)
  if current == run + 1 then
    rec('HINCRBY', job.key, 'replays', 1) -- strict durability waits for a write of the connection that asks
    return {'AGAIN'}
  end
  if current ~= run then return {'RUN', tostring(current)} end
  job.asker = by
  return rerun(job) or {'OK'}
end
