#!lua flags=allow-oom
-- Run those of these jobs again that have failed or were cancelled, in this order; one whose parent stays failed, or whose
--   queue is being drained, is left.
-- Keys: those of retry. ARGV: by whom, id, id, ... Returns how many run again. Sent twice, it finds nothing more to do.
--@include rerun
local retried = 0
for i = 2, #ARGV do
  local job = load(ARGV[i])
  if job then job.asker = ARGV[1] end
  if job and not rerun(job) then retried = retried + 1 end
end
count('rerun_calls') -- strict durability waits for a write of the connection that asks
return retried
