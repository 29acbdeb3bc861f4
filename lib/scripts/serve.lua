#!lua flags=allow-oom
-- A worker registers what it can run: jobs laid aside for want of it come back to the front of their queue.
-- Keys: <queue>.unserved, job.<id>, events; <queue>.waiting, lists. ARGV: queue, newest record version, how many to look at, operation, ...
-- Where more lie aside than it looks at, it looks at others each time. Returns the number moved.
--@include lists
local queue, known, moved = ARGV[1], {}, 0
for i = 4, #ARGV do known[ARGV[i]] = true end
local aside, most = que('ZCARD', queue_key(queue, 'unserved')), tonumber(ARGV[3])
if aside == 0 then return 0 end
local first = aside > most and NOW_US % aside or 0
for _, id in ipairs(que('ZREVRANGE', queue_key(queue, 'unserved'), first, first + most - 1)) do
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
