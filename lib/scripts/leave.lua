#!lua flags=allow-oom
-- Forget a worker that stops, or those that have not beaten for long. What they held is freed by bury or by the lease.
-- Keys: workers, worker.<name>, control.<name>. ARGV: worker ('' for all), seconds of silence from which on it is forgotten.
-- Returns the number forgotten.
--@include base
local silent = rec('ZRANGEBYSCORE', PREFIX .. 'workers', '-inf', seconds(NOW - tonumber(ARGV[2])))
local forgotten = 0
for _, worker in ipairs(silent) do
  if ARGV[1] == '' or ARGV[1] == worker then
    rec('ZREM', PREFIX .. 'workers', worker)
    rec('DEL', PREFIX .. 'worker.' .. worker, PREFIX .. 'control.' .. worker)
    forgotten = forgotten + 1
  end
end
return forgotten
