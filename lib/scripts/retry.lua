#!lua flags=allow-oom
-- Run a failed or cancelled job again; the ended run is kept in the record.
-- Keys: job.<id>, job.<id>.dependents, jobs.*, events, batch.<id>, quota.pending, draining; <queue>.{waiting,idle}, lists.
-- ARGV: id, number of the ended run (so that it may be sent twice), by whom. Returns what parts/retrying.lua says.
--@include retrying
return retry(ARGV[1], tonumber(ARGV[2]), ARGV[3])
