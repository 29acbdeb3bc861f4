#!lua flags=allow-oom
-- Move scheduled jobs that are due to their queue, unless it is paused.
-- Keys: job.<id>, jobs.*, events; <queue>.{scheduled,waiting,idle}, lists, paused. ARGV: queue, most jobs in one call.
-- Returns the number moved.
--@include lists
local queue = ARGV[1]
if is_paused(queue) then return 0 end
local due = que('ZRANGEBYSCORE', queue_key(queue, 'scheduled'), '-inf', seconds(NOW), 'LIMIT', 0, ARGV[2])
for _, id in ipairs(due) do
  local job = load(id)
  que('ZREM', queue_key(queue, 'scheduled'), id)
  if job and job.status == 'scheduled' then
    move(job, 'submitted', 'due')
    push(job, false)
  end
end
return #due
