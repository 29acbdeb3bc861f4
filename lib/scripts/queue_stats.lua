#!lua flags=no-writes
-- What stands in one queue, in time that grows with what runs and with nothing else.
-- Keys: lists of the queue, paused, draining, dead, <queue>.{waiting,scheduled,leases,idle,unserved,limited,rejected}, job.<id> of the
--   oldest and of those that run. ARGV: queue.
-- Returns {paused since or '', draining since or '', entries high, normal, low, waiting high, normal, low, running high, normal, low,
--   scheduled, idle children, unserved, limited, rejected, dead ids, age of the oldest waiting job (s) high, normal, low, age of the
--   oldest unserved one (s)}.
--@include base
local queue = ARGV[1]
local reply = {que('HGET', PREFIX .. 'paused', queue) or '', que('HGET', PREFIX .. 'draining', queue) or ''}
local dead, ages, running = 0, {}, {high = 0, normal = 0, low = 0}
for _, priority in ipairs(PRIORITIES) do
  local key, length = list_key(queue, priority), 0
  for _, list in ipairs({key, key .. '.paused'}) do
    at(QUEUES)
    local entries = redis.pcall('LLEN', list)
    if type(entries) == 'number' then length = length + entries end
  end
  dead = dead + numeric(que('HGET', PREFIX .. 'dead', key), 0)
  reply[#reply + 1] = length
end
local waiting = queue_key(queue, 'waiting')
for _, priority in ipairs(PRIORITIES) do
  local low, high = RANK[priority] * RANK_STEP, (RANK[priority] + 1) * RANK_STEP
  low, high = string.format('%.0f', low), '(' .. string.format('%.0f', high)
  reply[#reply + 1] = que('ZCOUNT', waiting, low, high)
  local first = que('ZRANGEBYSCORE', waiting, low, high, 'LIMIT', 0, 1)[1]
  local ready = first and rec('HGET', job_key(first), 'ready')
  ages[#ages + 1] = seconds(math.max(0, NOW - numeric(ready, NOW)))
end
for _, id in ipairs(que('ZRANGE', queue_key(queue, 'leases'), 0, -1)) do
  local priority = rec('HGET', job_key(id), 'priority')
  if running[priority] then running[priority] = running[priority] + 1 end
end
for _, priority in ipairs(PRIORITIES) do reply[#reply + 1] = running[priority] end
for _, part in ipairs({'scheduled', 'idle', 'unserved', 'limited'}) do
  reply[#reply + 1] = que('ZCARD', queue_key(queue, part))
end
reply[#reply + 1] = que('LLEN', queue_key(queue, 'rejected'))
reply[#reply + 1] = dead
for _, age in ipairs(ages) do reply[#reply + 1] = age end
local unserved = que('ZRANGE', queue_key(queue, 'unserved'), 0, 0, 'WITHSCORES')
reply[#reply + 1] = seconds(NOW - numeric(unserved[2], NOW))
return reply
