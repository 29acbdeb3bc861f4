#!lua
-- Progress of a running job, if its token still holds. No allow-oom: refused at full memory, which never fails the job.
-- Keys: job.<id>, events. ARGV: id, token, progress (JSON). Returns 1, or 0 where the token does not hold.
--@include jobs
local job = load(ARGV[1])
if not job or job.status ~= 'in-progress' or job.token ~= ARGV[2] then return 0 end
rec('HSET', job.key, 'progress', ARGV[3])
event(job, 'in-progress', 'progress')
return 1
