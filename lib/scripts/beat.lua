#!lua flags=allow-oom
-- A worker's beat: it is alive, and renews the leases its children told it of.
-- Keys: workers, worker.<name>, data.current, job.<id>; <queue>.leases.
-- ARGV: worker, information (JSON), then for each running job: id, token.
-- Returns {data version, the last order to the worker as a whole or '', its time or '', code, ...} with a code per job: HELD, CANCEL (held, and to be stopped), ENDED (by this token), LOST.
--@include jobs
local worker = ARGV[1]
rec('ZADD', PREFIX .. 'workers', seconds(NOW), worker)
rec('HSET', PREFIX .. 'worker.' .. worker, 'beat', NOW_TEXT, 'info', ARGV[2])
local ordered = rec('HMGET', PREFIX .. 'worker.' .. worker, 'order', 'ordered')
local reply = {rec('GET', PREFIX .. 'data.current') or '', ordered[1] or '', ordered[2] or ''}
for i = 3, #ARGV, 2 do
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
