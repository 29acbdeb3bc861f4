#!lua flags=allow-oom
-- Give a child its next job, by priority and in the order of its queues; else enter it in the idle sets.
-- Keys: job.<id>, jobs.<status>, events, metrics, data.current; hotqueue:<queue>[:priority], <queue>.{waiting,leases,idle,
--   rejected}, paused, dead, holds, closed, idle.
-- ARGV: child, worker, token (new for each claim; the same when the reply was lost), queue, ...
-- Returns {'JOB', id, token, operation, input, attempt, queue, timeout, record version, adopted, params, data version, started,
--   request id, traceparent},
--   {'FOREIGN', list, queue, priority, bytes}: not an id of ours at that head, {'AGAIN'} after 100 dropped ids,
--   {'NONE'}: idle, wait for the bell, {'CLOSED'}: this name was reported dead, {'BUSY', id}: holds a job under another token.
--@include claiming
return claim(ARGV[1], ARGV[2], ARGV[3], {unpack(ARGV, 4)})
