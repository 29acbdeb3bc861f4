#!lua
-- Log lines of a running job, if its token still holds. No allow-oom: refused at full memory, which never fails the job.
-- Keys: job.<id>, job.<id>.log.
-- ARGV: id, token, most lines kept, name of this call (so that it may be sent twice), line, ...
-- Returns 1, or 0 where the token does not hold.
--@include jobs
local job = load(ARGV[1])
if not job or job.status ~= 'in-progress' or job.token ~= ARGV[2] then return 0 end
local last = rec('XREVRANGE', job.key .. '.log', '+', '-', 'COUNT', 1)[1]
if last and last[2][6] == ARGV[4] then return 1 end
for i = 5, #ARGV do
  rec('XADD', job.key .. '.log', 'MAXLEN', '~', ARGV[3], '*', 'attempt', job.attempt, 'line', ARGV[i], 'call', ARGV[4])
end
return 1
