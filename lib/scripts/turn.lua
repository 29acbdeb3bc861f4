#!lua flags=allow-oom
-- Finish one job and claim the next in one round trip; the finish is complete before the claim looks at anything.
-- Keys: those of finish and claim.
-- ARGV: the eight of finish, then those of claim.
-- Returns {reply of finish, reply of claim}.
--@include finishing
--@include claiming
local ended, holder = finish(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8])
return {ended, claim(ARGV[9], ARGV[10], ARGV[11], {unpack(ARGV, 12)}, ended == 'OK' and holder == ARGV[9])}
