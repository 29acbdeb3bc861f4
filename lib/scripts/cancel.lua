#!lua flags=allow-oom
-- Cancel a job: at once where it waits, by order to its worker where it runs.
-- Keys: job.<id>, jobs.*, events, metrics, control.<worker>; <queue>.{waiting,scheduled,unserved,limited}, dead. ARGV: id, by whom.
-- Returns what parts/cancelling.lua says.
--@include cancelling
return cancel(ARGV[1], ARGV[2])
