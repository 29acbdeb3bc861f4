#!lua
-- What a running job says of itself, if its token still holds: progress, or a part of its result. No allow-oom: refused at full
-- memory, which never fails the job.
-- Keys: job.<id>, events. ARGV: id, token, progress or partial, its value (JSON). Returns 1, or 0 where the token does not hold.
--@include jobs
local job = load(ARGV[1])
if not job or job.status ~= 'in-progress' or job.token ~= ARGV[2] then return 0 end
rec('HSET', job.key, ARGV[3], ARGV[4])
event(job, 'in-progress', ARGV[3])
return 1
