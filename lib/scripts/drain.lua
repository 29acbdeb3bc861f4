#!lua flags=allow-oom
-- Close a queue to new jobs, or open it again; what stands in it goes on either way.
-- Keys: draining. ARGV: queue, 1 to close it or 0 to open it. Returns 1 where that changed something, else 0.
--@include base
if ARGV[2] == '1' then return que('HSETNX', PREFIX .. 'draining', ARGV[1], NOW_TEXT) end
return que('HDEL', PREFIX .. 'draining', ARGV[1])
