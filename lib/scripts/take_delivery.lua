#!lua flags=allow-oom
-- Lease the delivery that is due first to a sender; if that dies, the delivery is due again when the lease is over.
-- Keys: deliveries.due, deliveries.held, delivery.<id>.
-- ARGV: token (new for each call; the same when the reply was lost), lease (s), host that is busy, ... (put off a little).
-- Returns the delivery as HGETALL gives it, with `tries` counting this one; empty where none is due.
-- What was put off makes way for other hosts only: it is taken before its new time once its own is no longer busy.
--@include announcing
local LOOKED_AT, PUT_OFF = 100, 1 -- entries in one call; seconds for which one for a busy host is put off
local token, busy = ARGV[1], {}
for i = 3, #ARGV do busy[ARGV[i]] = true end
local held = rec('HGET', HELD, token)
if held then return rec('HGETALL', delivery_key(held)) end
local found = rec('ZRANGEBYSCORE', DUE, '-inf', seconds(NOW + PUT_OFF), 'WITHSCORES', 'LIMIT', 0, LOOKED_AT)
for i = 1, #found, 2 do
  local id, due = found[i], tonumber(found[i + 1]) <= NOW
  local key = delivery_key(id)
  local known = rec('HMGET', key, 'state', 'host', 'token', 'next')
  if known[1] ~= 'pending' then
    rec('ZREM', DUE, id)
  elseif busy[known[2]] then
    if due then rec('ZADD', DUE, seconds(NOW + PUT_OFF + i / 1000000), id) end -- in their order
  elseif due or (not known[3] and numeric(known[4], NOW + PUT_OFF) <= NOW) then
    if known[3] then rec('HDEL', HELD, known[3]) end
    rec('HINCRBY', key, 'tries', 1)
    rec('HSET', key, 'token', token)
    rec('HSET', HELD, token, id)
    rec('ZADD', DUE, seconds(NOW + tonumber(ARGV[2])), id)
    return rec('HGETALL', key)
  end
end
return {}
