#!lua flags=allow-oom
-- A worker's beat: it is alive, and renews the leases its children told it of.
-- Keys: workers, worker.<name>, job.<id>, metrics; <queue>.leases.
-- ARGV: worker, information (JSON), how often its nursery was started again, then for each running job: id, token.
-- Returns {the last order to the worker as a whole or '', its time or '', code, ...} with a code per job: HELD, CANCEL (held, and to be stopped), ENDED (by this token), LOST.
--@include jobs
local worker, restarts = ARGV[1], tonumber(ARGV[3])
if rec('ZADD', PREFIX .. 'workers', seconds(NOW), worker) == 1 then count('worker_start') end
local known = numeric(rec('HGET', PREFIX .. 'worker.' .. worker, 'restarts'), 0)
if restarts > known then count('nursery_restart', restarts - known) end
rec('HSET', PREFIX .. 'worker.' .. worker, 'beat', NOW_TEXT, 'info', ARGV[2], 'restarts', restarts)
local ordered = rec('HMGET', PREFIX .. 'worker.' .. worker, 'order', 'ordered')
local reply = {ordered[1] or '', ordered[2] or ''}
for i = 4, #ARGV, 2 do
  local job, code = load(ARGV[i]), 'LOST'
  if job and job.status == 'in-progress' and job.token == ARGV[i + 1] then
    que('ZADD', queue_key(job.queue, 'leases'), seconds(NOW + @LEASE@), job.id)
    code = job.cancel_requested and 'CANCEL' or 'HELD'
  elseif job and job.ended_token == ARGV[i + 1] then
    code = 'ENDED'
  end
  reply[#reply + 1] = code
end
return reply
