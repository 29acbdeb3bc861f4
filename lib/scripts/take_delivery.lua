#!lua flags=allow-oom
-- Lease the delivery that is due first to a sender; if that dies, the delivery is due again when the lease is over.
-- Keys: deliveries.due, deliveries.held, delivery.<id>.
-- ARGV: token (new for each call; the same when the reply was lost), lease (s), host that is busy, ... (put off a little).
-- Returns the delivery as HGETALL gives it, with `tries` counting this one; empty where none is due.
--@include announcing
local LOOKED_AT, PUT_OFF = 100, 1 -- entries in one call; seconds for which one for a busy host is put off
local token, busy = ARGV[1], {}
for i = 3, #ARGV do busy[ARGV[i]] = true end
local held = rec('HGET', HELD, token)
if held then return rec('HGETALL', delivery_key(held)) end
for _, id in ipairs(rec('ZRANGEBYSCORE', DUE, '-inf', seconds(NOW), 'LIMIT', 0, LOOKED_AT)) do
  local key = delivery_key(id)
  local known = rec('HMGET', key, 'state', 'host', 'token')
  if known[1] ~= 'pending' then
    rec('ZREM', DUE, id)
  elseif busy[known[2]] then
    rec('ZADD', DUE, seconds(NOW + PUT_OFF), id)
  else
    if known[3] then rec('HDEL', HELD, known[3]) end
    rec('HINCRBY', key, 'tries', 1)
    rec('HSET', key, 'token', token)
    rec('HSET', HELD, token, id)
    rec('ZADD', DUE, seconds(NOW + tonumber(ARGV[2])), id)
    return rec('HGETALL', key)
  end
end
return {}
