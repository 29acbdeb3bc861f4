#!lua flags=no-writes
-- One job with all that HTTP shows of it, in one round trip.
-- Keys: job.<id>, job.<id>.files, jobs.gone; <queue>.waiting. ARGV: id.
-- Returns {record as HGETALL gives it, position in its queue or false, {names of its files}}, {'GONE'} where it has expired,
--   {'UNKNOWN'}.
--@include base
local id = ARGV[1]
at(RECORDS)
local raw = redis.pcall('HGETALL', job_key(id)) -- another program may have something else of that name
if raw.err or not raw[1] then
  return {rec('ZSCORE', PREFIX .. 'jobs.gone', id) and 'GONE' or 'UNKNOWN'}
end
local status, queue
for i = 1, #raw, 2 do
  if raw[i] == 'status' then status = raw[i + 1] elseif raw[i] == 'queue' then queue = raw[i + 1] end
end
local names = {}
if status == 'complete' then
  for _, name in ipairs(rec('HKEYS', job_key(id) .. '.files')) do
    if not string.find(name, '|', 1, true) then names[#names + 1] = name end
  end
end
return {raw, status == 'submitted' and queue and que('ZRANK', queue_key(queue, 'waiting'), id) or false, names}
