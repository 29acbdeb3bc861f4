-- The end of a batch: when all of its jobs have ended.
--@include announcing
local BATCH_COUNTS = {'total', 'complete', 'failed', 'cancelled', 'ttl', 'ended', 'notify'}

local function end_batch(batch)
  local key = PREFIX .. 'batch.' .. batch
  local known = map_of(BATCH_COUNTS, rec('HMGET', key, unpack(BATCH_COUNTS)))
  local ended = numeric(known.complete, 0) + numeric(known.failed, 0) + numeric(known.cancelled, 0)
  if known.ended or ended < numeric(known.total, 0) or rec('EXISTS', key .. '.todo') == 1 then return end
  rec('HSET', key, 'ended', NOW_TEXT)
  rec('ZADD', PREFIX .. 'batches.expiry', seconds(NOW + numeric(known.ttl, 86400)), batch)
  local function some(name) return numeric(known[name], 0) > 0 end
  if known.notify then
    local event = some('failed') and 'failed' or some('cancelled') and 'cancelled' or 'complete'
    announce('batch', batch, rec('HINCRBY', key, 'ends', 1), event, known.notify)
  end
end
