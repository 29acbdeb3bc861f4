#!lua flags=allow-oom
-- Write down what became of an attempt, if the sender's token still holds.
-- Keys: deliveries.due, deliveries.held, delivery.<id>, metrics.
-- ARGV: id, token, state ('delivered', 'failed', or 'pending': again later), attempt (JSON), seconds until the next one.
-- Returns OK, AGAIN (this token had said so before), or STALE (another sender has it, or it is gone; dropped).
--@include announcing
local ATTEMPTS_KEPT = 20
local id, token, state = ARGV[1], ARGV[2], ARGV[3]
local key = delivery_key(id)
local known = rec('HMGET', key, 'token', 'settled', 'channel')
if known[2] == token then return 'AGAIN' end
if known[1] ~= token then return 'STALE' end
local channel = known[3] or 'unknown'
local n = rec('HINCRBY', key, 'attempts', 1)
rec('HSET', key, 'attempt.' .. n, ARGV[4], 'state', state, 'settled', token)
if n > ATTEMPTS_KEPT then rec('HDEL', key, 'attempt.' .. (n - ATTEMPTS_KEPT)) end
rec('HDEL', key, 'token')
rec('HDEL', HELD, token)
count('delivery_attempt|' .. channel)
if state == 'pending' then
  local next_time = seconds(NOW + tonumber(ARGV[5]))
  rec('HSET', key, 'next', next_time)
  rec('ZADD', DUE, next_time, id)
else
  rec('HDEL', key, 'next')
  rec('ZREM', DUE, id)
  if state == 'delivered' then count('delivered|' .. channel) else count('undelivered|' .. channel) end
end
return 'OK'
