-- Deleting one job: shared by delete and each.
--@include withdrawal
--@include removal
-- Returns {'OK'}, {'RUNNING'}, {'NEEDED'} (jobs that have not ended depend on it) or {'UNKNOWN'}.
local function delete(id, by)
  local job = load(id)
  if not job or job.status == 'deleted' then return {'UNKNOWN'} end
  if job.status == 'in-progress' then return {'RUNNING'} end
  if tonumber(job.needed or 0) > 0 then return {'NEEDED'} end
  job.asker = by
  withdraw(job, 'deleted')
  job.listed = rec('HGET', job.key, 'listed')
  event(job, 'deleted')
  remove(job)
  return {'OK'}
end
