#!lua flags=allow-oom
-- Delete a job and all that belongs to it. A waiting one is cancelled first; a running one must be cancelled by its caller.
-- Keys: job.<id>*, jobs.*, events, metrics, idempotency.<owner>/<key>; <queue>.{waiting,scheduled,unserved}, dead. ARGV: id, by whom.
-- Returns what parts/deleting.lua says.
--@include deleting
return delete(ARGV[1], ARGV[2])
