#!lua flags=allow-oom
-- Enter records anew where they should stand, after an index was lost (it had another type and was laid aside): upkeep sends all there are.
-- Keys: job.<id>, schedule.<id>, batch.<id>*, delivery.<id>; jobs, jobs.*, failures*, dependents.due, schedules*, batches*, deliveries.due;
--   <queue>.{waiting,leases,scheduled}, lists, holds. ARGV: kind, id, ... Returns how many stood somewhere else or nowhere.
--@include standing
local kind, found = ARGV[1], 0
local ENTER = {job = enter_job, schedule = enter_schedule, batch = enter_batch, delivery = enter_delivery}
for i = 2, #ARGV do
  if ENTER[kind](ARGV[i]) then found = found + 1 end
end
return found
