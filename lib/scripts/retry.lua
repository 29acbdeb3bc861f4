#!lua flags=allow-oom
-- Run a failed or cancelled job again; the ended run is kept in the record.
-- Keys: job.<id>, job.<id>.dependents, jobs.*, events, batch.<id>, quota.pending, draining; <queue>.{waiting,idle}, lists.
-- ARGV: id, number of the ended run (so that it may be sent twice).
-- Returns {'OK'}, {'AGAIN'} (this run was retried before), {'RUN', its number now}, {'UNKNOWN'}, or what parts/rerun.lua says.
--@include rerun
local job, run = load(ARGV[1]), tonumber(ARGV[2])
if not job or job.status == 'deleted' then return {'UNKNOWN'} end
local current = tonumber(job.run or 0)
if current == run + 1 then
  rec('HINCRBY', job.key, 'replays', 1) -- strict durability waits for a write of the connection that asks
  return {'AGAIN'}
end
if current ~= run then return {'RUN', tostring(current)} end
return rerun(job) or {'OK'}
