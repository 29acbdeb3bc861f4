-- The end of a batch: when all of its jobs have ended.
--@include base
local BATCH_COUNTS = {'total', 'complete', 'failed', 'cancelled', 'ttl', 'ended'}

local function end_batch(batch)
  local key = PREFIX .. 'batch.' .. batch
  local known = map_of(BATCH_COUNTS, rec('HMGET', key, unpack(BATCH_COUNTS)))
  local ended = (known.complete or 0) + (known.failed or 0) + (known.cancelled or 0)
  if known.ended or ended < tonumber(known.total) or rec('EXISTS', key .. '.todo') == 1 then return end
  rec('HSET', key, 'ended', NOW_TEXT)
  rec('ZADD', PREFIX .. 'batches.expiry', seconds(NOW + tonumber(known.ttl)), batch)
end
