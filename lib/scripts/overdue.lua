#!lua flags=no-writes
-- For how long what upkeep does has been due, and what is still to be sent.
-- Keys: jobs.expiry, schedules.due, deliveries.due, dependents.due; paused, <queue>.{leases,scheduled}. ARGV: queues.
-- Returns {reap, promote, expire, fire, deliver, settle (seconds that the longest overdue one is due, 0 for none), deliveries}.
--@include base
local function overdue(first, unit)
  return first[2] and math.max(0, NOW - numeric(first[2], NOW) / (unit or 1)) or 0
end
local reap, promote = 0, 0
for _, queue in ipairs(ARGV) do
  reap = math.max(reap, overdue(que('ZRANGE', queue_key(queue, 'leases'), 0, 0, 'WITHSCORES')))
  if not is_paused(queue) then
    promote = math.max(promote, overdue(que('ZRANGE', queue_key(queue, 'scheduled'), 0, 0, 'WITHSCORES')))
  end
end
local reply = {seconds(reap), seconds(promote)}
for _, key in ipairs({'jobs.expiry', 'schedules.due', 'deliveries.due'}) do
  reply[#reply + 1] = seconds(overdue(rec('ZRANGE', PREFIX .. key, 0, 0, 'WITHSCORES')))
end
reply[#reply + 1] = seconds(overdue(rec('ZRANGE', PREFIX .. 'dependents.due', 0, 0, 'WITHSCORES'), 1000000))
reply[#reply + 1] = rec('ZCARD', PREFIX .. 'deliveries.due')
return reply
