#!lua flags=allow-oom
-- A worker registers what it can run: jobs laid aside for want of it come back to the front of their queue.
-- Keys: <queue>.unserved, job.<id>, events; <queue>.waiting, lists. ARGV: queue, newest record version, operation, ...
-- Returns the number moved.
--@include lists
local queue, known, moved = ARGV[1], {}, 0
for i = 3, #ARGV do known[ARGV[i]] = true end
for _, id in ipairs(que('ZREVRANGE', queue_key(queue, 'unserved'), 0, 9999)) do
  local job = load(id)
  if not job or job.status ~= 'submitted' then
    que('ZREM', queue_key(queue, 'unserved'), id)
  elseif known[job.operation] and tonumber(job.v) <= tonumber(ARGV[2]) then
    que('ZREM', queue_key(queue, 'unserved'), id)
    push(job, true)
    moved = moved + 1
  end
end
return moved
