#!lua flags=allow-oom
-- End a claim: complete, failed (retried by the job's policy) or released, if its token still holds.
-- Keys: job.<id>, job.<id>.files[.<token>], jobs.*, events, metrics; <queue>.{leases,waiting,scheduled,idle}, lists, holds.
-- ARGV: id, token, outcome (complete, failed, released), reason, result (JSON), error (JSON), may retry (1 or 0), traceparent of the
--   span of this run, or ''.
-- Returns OK, AGAIN (this token had ended it before), or STALE (the job went on without it; dropped and counted).
--@include finishing
local ended = finish(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8])
return ended
