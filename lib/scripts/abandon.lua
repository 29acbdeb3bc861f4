#!lua flags=allow-oom
-- Fail jobs that no worker could run for too long.
-- Keys: <queue>.unserved, job.<id>, jobs.*, events, metrics. ARGV: queue, seconds, most jobs in one call. Returns the number failed.
--@include ends
local unserved = queue_key(ARGV[1], 'unserved')
local old = que('ZRANGEBYSCORE', unserved, '-inf', seconds(NOW - tonumber(ARGV[2])), 'LIMIT', 0, ARGV[3])
for _, id in ipairs(old) do
  local job = load(id)
  que('ZREM', unserved, id)
  if job and job.status == 'submitted' then
    fail(job, 'unserved', error_text('UnservedOperation',
      'No worker knows the operation ' .. job.operation .. '; start one that does and retry the job.', 'unserved'))
  end
end
return #old
