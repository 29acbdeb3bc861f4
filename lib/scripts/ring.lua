#!lua flags=allow-oom
-- Tend one queue: ring idle children for what waits (foreign pushes and unanswered rings have rung nobody), forget children
-- that stopped waiting long ago, and while the queue is paused move foreign pushes behind the paused list.
-- Keys: lists of the queue, paused, dead, <queue>.idle, idle, bell.<child>. ARGV: queue, most entries moved in one call.
-- Returns the number of entries that wait.
--@include bells
local queue, most = ARGV[1], tonumber(ARGV[2])
local waiting, paused = 0, is_paused(queue)
for _, priority in ipairs(PRIORITIES) do
  local key = list_key(queue, priority)
  at(QUEUES)
  local length = redis.pcall('LLEN', key)
  if type(length) == 'number' then
    if paused then
      for _ = 1, math.min(length, most) do que('LMOVE', key, key .. '.paused', 'LEFT', 'RIGHT') end
    else
      waiting = waiting + length - numeric(que('HGET', PREFIX .. 'dead', key), 0)
    end
  end
end
-- Children that were gone before they could be reported.
for _, child in ipairs(que('ZRANGEBYSCORE', queue_key(queue, 'idle'), '-inf', seconds(NOW - 2 * @IDLE_WAIT@ - 5), 'LIMIT', 0, 100)) do
  forget_idle(child, (que('HGET', PREFIX .. 'idle', child) or '') .. ' ' .. queue)
end
if waiting > 0 then ring(queue, waiting) end
return waiting
