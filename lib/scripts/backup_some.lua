#!lua flags=no-writes
-- These jobs, each with all that belongs to it: those that changed since a backup read them.
-- Keys: those of backup_jobs. ARGV: bytes after which no further one is read, id, ...
-- Returns as many as were read, in this order, as parts/whole.lua says.
--@include whole
local jobs = wholes({unpack(ARGV, 2)}, tonumber(ARGV[1]))
return jobs
