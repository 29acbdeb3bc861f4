#!lua
-- Run a part of the failed jobs again, those submitted first first. No allow-oom: refused at full memory.
-- Keys: jobs.failed or failures.<fingerprint>; for each job those of retry. ARGV: fingerprint or '' (all), order of the last job
--   that was looked at, time (s) until which a job had failed (so that what fails again is left alone, and a call may be sent
--   twice), most jobs looked at, then operation, queue and owner, '' for any, by whom. Jobs of a queue
--   that is being drained stay as they are.
-- Returns {number of jobs run again, order of the last one looked at or '' (none is left), number of jobs not looked at yet}.
--@include rerun
local index = PREFIX .. (ARGV[1] == '' and 'jobs.failed' or 'failures.' .. ARGV[1])
local failed_by = tonumber(ARGV[3])
local high = string.format('%.0f', failed_by * 1000000)
local found = rec('ZRANGEBYSCORE', index, '(' .. ARGV[2], high, 'WITHSCORES', 'LIMIT', 0, ARGV[4])
local retried = 0
local function wanted(value, by) return by == '' or value == by end
for i = 1, #found, 2 do
  local job = load(found[i])
  if job and job.status == 'failed' and wanted(job.operation, ARGV[5]) and wanted(job.queue, ARGV[6]) then
    local more = rec('HMGET', job.key, 'ended', 'by')
    if numeric(more[1], 0) <= failed_by and wanted(more[2], ARGV[7]) then
      job.asker = ARGV[8]
      if not rerun(job) then retried = retried + 1 end
    end
  end
end
count('rerun_calls') -- strict durability waits for a write of the connection that asks
if #found < 2 * tonumber(ARGV[4]) then return {retried, '', 0} end
local last = found[#found]
return {retried, last, rec('ZCOUNT', index, '(' .. last, high)}
