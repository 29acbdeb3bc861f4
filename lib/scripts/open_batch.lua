#!lua
-- Accept a batch as a whole: its record, and its jobs as words that fill_batch accepts part by part. No allow-oom: refused at full
--   memory, with nothing written.
-- Keys: batch.<id>, batch.<id>.todo, batches, batches.open, quota.*; <queue>.{waiting,scheduled}.
-- ARGV: id, digest, queue, quota (JSON, or ''), seconds for which it is kept after its end, number of jobs, number of parts,
--   part (JSON array of words as submit takes them), ..., field, value, ...
-- Returns {'NEW'}, {'REPLAYED'} (the same id and digest: nothing written but the count of replays), {'CONFLICT'}, {'DRAINING'}, {'FULL', depth},
--   {'QUOTA', ...} as submit.
--@include accepting
local id, digest, queue, total, parts = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[6]), tonumber(ARGV[7])
local key = PREFIX .. 'batch.' .. id
local known = rec('HGET', key, 'digest')
if known then
  if known ~= digest then return {'CONFLICT'} end
  rec('HINCRBY', key, 'replays', 1)
  return {'REPLAYED'}
end
local refusal = no_room(depth_of(queue), total, true) or (ARGV[4] ~= '' and over_quota(cjson.decode(ARGV[4]), total))
if refusal then return refusal end
rec('HSET', key, 'id', id, 'digest', digest, 'queue', queue, 'ttl', ARGV[5], 'total', total, 'created', NOW_TEXT,
  unpack(ARGV, 8 + parts))
for i = 8, 7 + parts do rec('RPUSH', key .. '.todo', ARGV[i]) end
rec('ZADD', PREFIX .. 'batches', NOW_US, id)
rec('ZADD', PREFIX .. 'batches.open', seconds(NOW), id)
return {'NEW'}
