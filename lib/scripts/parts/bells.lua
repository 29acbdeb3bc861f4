-- Idle children and their bells. A child that found nothing stands in the idle set of each queue it serves; a ring
-- takes it out of all of them and pushes to its bell, on which it waits in BLPOP.
--@include base
local function forget_idle(child, entry)
  que('HDEL', PREFIX .. 'idle', child)
  for queue in string.gmatch(entry, '%S+') do que('ZREM', queue_key(queue, 'idle'), child) end
end

-- Wake up to `wanted` idle children of a queue, the freshest first; entries older than a child's wait are passed over.
local function ring(queue, wanted)
  while wanted > 0 do
    local top = que('ZPOPMAX', queue_key(queue, 'idle'))
    if not top[1] then return end
    local entry = que('HGET', PREFIX .. 'idle', top[1])
    if entry then
      forget_idle(top[1], entry)
      if NOW - numeric(top[2], 0) < @IDLE_WAIT@ + 1 then
        local bell = PREFIX .. 'bell.' .. top[1]
        que('RPUSH', bell, '1')
        que('EXPIRE', bell, math.ceil(@IDLE_WAIT@) + 5)
        wanted = wanted - 1
      end
    end
  end
end

local function stand_idle(child, queues)
  que('HSET', PREFIX .. 'idle', child, table.concat(queues, ' '))
  for _, queue in ipairs(queues) do que('ZADD', queue_key(queue, 'idle'), seconds(NOW), child) end
end
