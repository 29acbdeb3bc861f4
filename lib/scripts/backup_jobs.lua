#!lua flags=no-writes
-- A page of all jobs, those submitted last first, each with all that belongs to it.
-- Keys: jobs, job.<id>*, delivery.<id>, unique.<digest>; <queue>.waiting.
-- ARGV: '+inf' or '(' and the cursor of the page before, most jobs, bytes after which no further one is read.
-- Returns {cursor of the next page, '' where none is left, job as parts/whole.lua says, ...}.
--@include whole
local found = rec('ZREVRANGEBYSCORE', PREFIX .. 'jobs', ARGV[1], '-inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local ids = {}
for i = 1, #found, 2 do ids[#ids + 1] = found[i] end
local jobs, number = wholes(ids, tonumber(ARGV[3]))
local last = number == #ids and number < tonumber(ARGV[2])
table.insert(jobs, 1, last and '' or found[2 * number])
return jobs
