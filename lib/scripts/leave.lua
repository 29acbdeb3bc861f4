#!lua flags=allow-oom
-- A worker has stopped, or has not beaten for long: forget it. What it held is freed by bury or by the lease.
-- Keys: workers, worker.<name>, control.<name>. ARGV: worker, oldest beat still forgotten (s; '' for any).
-- Returns 1 where it was forgotten.
--@include base
local beat = rec('ZSCORE', PREFIX .. 'workers', ARGV[1])
if not beat or (ARGV[2] ~= '' and tonumber(beat) > NOW - tonumber(ARGV[2])) then return 0 end
rec('ZREM', PREFIX .. 'workers', ARGV[1])
rec('DEL', PREFIX .. 'worker.' .. ARGV[1], PREFIX .. 'control.' .. ARGV[1])
return 1
