-- Telling others of an end: a delivery for each target that wants to hear of it. Upkeep's senders take them from there.
-- A delivery is a hash of its own; its job or batch keeps the ids in a list, and those to be sent stand in deliveries.due.
--@include base
local DELIVERIES_KEPT = 50 -- of one job or batch, the newest
local DUE, HELD = PREFIX .. 'deliveries.due', PREFIX .. 'deliveries.held'

local function delivery_key(id) return PREFIX .. 'delivery.' .. id end
local function deliveries_key(kind, id) return PREFIX .. kind .. '.' .. id .. '.deliveries' end

local function forget_delivery(delivery)
  local token = rec('HGET', delivery_key(delivery), 'token')
  if token then rec('HDEL', HELD, token) end
  rec('ZREM', DUE, delivery)
  rec('DEL', delivery_key(delivery))
end

-- kind: 'job' or 'batch'; run: which of its ends it is, so that each has ids of its own; event: how it ended; targets: the
-- JSON of `notify`. An end that was announced before is not announced again.
local function announce(kind, id, run, event, targets)
  local list = deliveries_key(kind, id)
  for n, target in ipairs(decoded(targets, {})) do
    local delivery = kind .. '_' .. id .. '_' .. run .. '_' .. n
    local key, wanted = delivery_key(delivery), false
    for _, on in ipairs(target.on) do wanted = wanted or on == event end
    if wanted and rec('EXISTS', key) == 0 then
      local channel = target.webhook and 'webhook' or 'email'
      local host = target.webhook and string.match(target.webhook, '^%a+://([^/?]*)') or 'smtp'
      rec('HSET', key, 'id', delivery, 'event', event, 'channel', channel, 'to', target[channel], 'host', host,
        'state', 'pending', 'tries', 0, 'attempts', 0, 'created', NOW_TEXT, 'next', NOW_TEXT)
      rec('RPUSH', list, delivery)
      rec('ZADD', DUE, NOW_TEXT, delivery)
    end
  end
  while rec('LLEN', list) > DELIVERIES_KEPT do forget_delivery(rec('LPOP', list)) end
end

-- Whether something of it is still to be sent.
local function awaits_delivery(kind, id)
  for _, delivery in ipairs(rec('LRANGE', deliveries_key(kind, id), 0, -1)) do
    if rec('HGET', delivery_key(delivery), 'state') == 'pending' then return true end
  end
  return false
end

local function forget_deliveries(kind, id)
  local list = deliveries_key(kind, id)
  for _, delivery in ipairs(rec('LRANGE', list, 0, -1)) do forget_delivery(delivery) end
  rec('DEL', list)
end
