-- Taking a job back before it runs: shared by whatever cancels.
--@include ends
-- Cancel a job that waits for a worker, its time or other jobs. Returns false, with nothing written, where it is in another state.
local function withdraw(job, reason)
  if job.status == 'submitted' then
    leave_listed(job)
  elseif job.status == 'scheduled' then
    que('ZREM', queue_key(job.queue, 'scheduled'), job.id)
  elseif job.status ~= 'waiting' then
    return false
  end
  conclude(job, 'cancelled', reason)
  return true
end
