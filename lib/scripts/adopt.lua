#!lua flags=allow-oom
-- Turn a foreign entry at the head of a list into a job of ours, in its place, if it still is that head.
-- Keys: job.<id>, jobs, jobs.submitted, events, metrics; the list, <queue>.waiting, front.
-- ARGV: list, queue, priority, bytes, id, then field, value, ... (none: the id is of a job we have, spelled otherwise).
-- Returns 'OK', or 'MOVED' where another one was faster (or this was sent before).
--@include lists
local list, queue, priority, bytes, id = unpack(ARGV, 1, 5)
if que('LINDEX', list, 0) ~= bytes then return 'MOVED' end
if #ARGV > 5 and not load(id) then
  local seq = string.format('%.0f', next_seq())
  local job = {id = id, key = job_key(id), queue = queue, priority = priority, seq = seq}
  rec('HSET', job.key, 'id', id, 'status', 'submitted', 'queue', queue, 'priority', priority, 'seq', seq, 'submitted', NOW_TEXT,
    'ready', NOW_TEXT, unpack(ARGV, 6))
  job.operation = rec('HGET', job.key, 'operation')
  rec('ZADD', PREFIX .. 'jobs', seq, id)
  rec('ZADD', PREFIX .. 'jobs.submitted', seq, id)
  que('ZADD', queue_key(queue, 'waiting'), waiting_score(priority, FRONT - que('INCR', PREFIX .. 'front')), id)
  count('submitted|' .. job.operation .. '|' .. queue)
  count('adopted|' .. queue)
  event(job, 'submitted', 'adopted')
end
que('LSET', list, 0, id)
return 'OK'
