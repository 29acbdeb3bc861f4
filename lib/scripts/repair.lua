#!lua flags=allow-oom
-- Put right one job that verify found at odds with the lists, after looking again: a waiting job in no list is pushed, a
-- running job without a lease gets one (and is reaped if nobody renews it), and an id that has no record leaves where it stood.
-- Keys: job.<id>, lists of its queue, <queue>.{waiting,leases,unserved,limited,scheduled}, jobs.*, metrics. ARGV: id, name of the index of
--   jobs, or of the queue whose waiting ones these are. Returns what was done, or ''.
--@include standing
local job = load(ARGV[1])
if job then return stand(job) and job.status or '' end
local status = string.match(ARGV[2], '^jobs%.(.+)$')
if status then rec('ZREM', PREFIX .. ARGV[2], ARGV[1]) else que('ZREM', queue_key(ARGV[2], 'waiting'), ARGV[1]) end
count('repaired|' .. (status or 'waiting'))
return 'gone'
