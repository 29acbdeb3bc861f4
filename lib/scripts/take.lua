#!lua flags=allow-oom
-- Claim one waiting job by its id, for a caller that got the id elsewhere (the course's update_job_status).
-- Its list entry, if it still has one, is removed: the only place where a list is searched, and not on any hot path.
-- Keys: those of claim.
-- ARGV: id, child, worker, token.
-- Returns as claim: {'JOB', ...}, or {'NONE'} where it is not waiting, or {'CLOSED'}.
--@include claiming
local id, child, worker, token = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if que('ZSCORE', PREFIX .. 'closed', child) then return {'CLOSED'} end
local held = resume_claim(child, token)
if held then return held end
local job = load(id, CLAIMED)
if not job or job.status ~= 'submitted' then return {'NONE'} end
if job.limits and que('ZSCORE', queue_key(job.queue, 'limited'), id) then return {'NONE'} end
local key = list_key(job.queue, job.priority)
local entries = 0
for _, list in ipairs({key, key .. '.paused'}) do entries = entries + que('LREM', list, 0, job.id) end
for _ = 1, math.min(tonumber(job.listed or 0), entries) do -- those left over from before it was cancelled and retried
  que('HINCRBY', PREFIX .. 'dead', key, -1)
  rec('HINCRBY', job.key, 'listed', -1)
end
que('ZREM', queue_key(job.queue, 'waiting'), job.id)
que('ZREM', queue_key(job.queue, 'unserved'), job.id)
if job.limits and not admitted(job) then return {'NONE'} end
return start(job, child, worker, token)
