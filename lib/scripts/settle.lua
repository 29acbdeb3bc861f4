#!lua flags=allow-oom
-- Tell dependents of jobs that have ended: those that the end itself did not reach. Keys: dependents.due, job.<id>.dependents,
--   job.<id>, jobs.*, events, metrics; <queue>.{waiting,scheduled,idle}, lists. ARGV: most jobs in one call. Returns how many were told.
--@include ends
return settle(tonumber(ARGV[1]))
