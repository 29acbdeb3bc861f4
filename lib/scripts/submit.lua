#!lua
-- Accept jobs: record, index, list, counters, and a ring at one idle child each. No allow-oom: refused at full memory.
-- Keys: job.<id>, jobs, jobs.<status>, jobs.seq, events, metrics, idempotency.<...>; hotqueue:<queue>[:priority][.paused],
--   <queue>.{waiting,scheduled,idle}, paused, front, idle, bell.<child>.
-- ARGV: queue, idempotency key (whole, or ''), then for each job: id, digest, priority, delay (s), operation,
--   number of further values, field, value, ...
-- Returns what parts/accepting.lua says.
--@include accepting
return accept(ARGV[1], ARGV[2], 3)
