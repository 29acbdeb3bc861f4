#!lua
-- Accept the next part of a batch's jobs. Whoever calls it, a part is accepted once; upkeep goes on where a caller died.
--   No allow-oom: at full memory the rest waits.
-- Keys: batch.<id>, batch.<id>.{todo,jobs}, batches.open, batches.expiry; those of submit. ARGV: id. Returns the number of parts left.
--@include accepting
local key = PREFIX .. 'batch.' .. ARGV[1]
local part = rec('LINDEX', key .. '.todo', 0)
if part then
  -- A part that other programs have written to is left out: the batch ends without it.
  local read, reply = pcall(function() return accept(rec('HGET', key, 'queue'), '', cjson.decode(part), 1, true) end)
  if not read then
    if string.find(type(reply) == 'table' and reply.err or tostring(reply), '^%-?OOM') then return redis.error_reply('OOM no memory for a batch') end
    note_damage(key .. '.todo', 'had a part that is no list of jobs')
    rec('HSET', key, 'damaged', 1)
    reply = {}
  end
  for i = 4, #reply, 4 do
    local field = reply[i] == 'CONFLICT' and 'conflicts' or (reply[i] == 'DUPLICATE' or reply[i] == 'DEBOUNCED') and 'deduplicated'
    if field then
      rec('HINCRBY', key, field, 1)
      rec('HINCRBY', key, 'total', -1)
    end
  end
  rec('LPOP', key .. '.todo')
end
local left = rec('LLEN', key .. '.todo')
if left == 0 and rec('ZREM', PREFIX .. 'batches.open', ARGV[1]) == 1 then
  if rec('HGET', key, 'damaged') then rec('HSET', key, 'total', rec('ZCARD', key .. '.jobs')) end
  end_batch(ARGV[1])
end
return left
