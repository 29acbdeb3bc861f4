#!lua
-- Log lines of a running job, if its token still holds. No allow-oom: refused at full memory, which never fails the job.
-- Keys: job.<id>, job.<id>.log. ARGV: id, token, most lines kept, line, ... Returns 1, or 0 where the token does not hold.
--@include jobs
local job = load(ARGV[1])
if not job or job.status ~= 'in-progress' or job.token ~= ARGV[2] then return 0 end
for i = 4, #ARGV do
  rec('XADD', job.key .. '.log', 'MAXLEN', '~', ARGV[3], '*', 'attempt', job.attempt, 'line', ARGV[i])
end
return 1
