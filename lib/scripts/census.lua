#!lua flags=allow-oom
-- Compare the lists of a queue with what waits in it, in constant time, and trim what has served its time.
-- Keys: lists of the queue, paused, dead, closed; <queue>.{waiting,leases}. ARGV: queue.
-- Returns {entries in lists, dead ids among them, waiting jobs, leases}.
--@include base
local queue, entries, dead = ARGV[1], 0, 0
for _, priority in ipairs(PRIORITIES) do
  local key = list_key(queue, priority)
  for _, list in ipairs({key, key .. '.paused'}) do
    at(QUEUES)
    local length = redis.pcall('LLEN', list)
    if type(length) == 'number' then entries = entries + length end
  end
  dead = dead + numeric(que('HGET', PREFIX .. 'dead', key), 0)
end
que('ZREMRANGEBYSCORE', PREFIX .. 'closed', '-inf', seconds(NOW - 86400))
return {entries, dead, que('ZCARD', queue_key(queue, 'waiting')), que('ZCARD', queue_key(queue, 'leases'))}
