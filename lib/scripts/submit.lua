#!lua
-- Accept jobs: record, index, list, counters, and a ring at one idle child each. No allow-oom: refused at full memory.
-- Keys: job.<id>, job.<id>.{files,dependents}, jobs, jobs.<status>, jobs.seq, jobs.expiry, events, metrics, idempotency.<owner>/<key>,
--   unique.<digest>, cache.<digest>.<version>, quota.*, dependents.due, data.current, job.<id>.deliveries,
--   delivery.<id>, deliveries.due; hotqueue:<queue>[:priority][.paused], <queue>.{waiting,scheduled,idle}, paused, front, idle,
--   bell.<child>.
-- ARGV: queue, idempotency key (whole, or ''), then words for each job as parts/accepting.lua says.
-- Returns what parts/accepting.lua says.
--@include accepting
return accept(ARGV[1], ARGV[2], ARGV, 3, false)
