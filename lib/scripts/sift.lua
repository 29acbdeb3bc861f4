#!lua flags=no-writes
-- What decides whether jobs of an index are looked for, the newest first. Keys: the index, job.<id>.
-- ARGV: name of the index, two bounds as ZREVRANGEBYSCORE has them, most jobs.
-- Returns {id, seq, {status, operation, by, input, error}, id, ...}; of input and error their first 4 KiB, since hundreds are read.
--@include base
local found = rec('ZREVRANGEBYSCORE', PREFIX .. ARGV[1], ARGV[2], ARGV[3], 'WITHSCORES', 'LIMIT', 0, ARGV[4])
local reply = {}
for i = 1, #found, 2 do
  local fields = rec('HMGET', job_key(found[i]), 'status', 'operation', 'by', 'input', 'error')
  for place = 4, 5 do
    if fields[place] and #fields[place] > 4096 then fields[place] = string.sub(fields[place], 1, 4096) end
  end
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = found[i], found[i + 1], fields
end
return reply
