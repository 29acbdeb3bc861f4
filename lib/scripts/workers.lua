#!lua flags=no-writes
-- The workers that beat, and what each child runs now.
-- Keys: workers, worker.<name>, job.<id>; holds. ARGV: none.
-- Returns {time (s), {{worker, its beat (s), information (JSON), last order to it or '', its time or ''}, ...},
--   {{child, id of the job it runs, operation, when the claim was made (s), worker}, ...}}.
--@include base
local workers, running = {}, {}
for _, name in ipairs(rec('ZRANGE', PREFIX .. 'workers', 0, -1)) do
  local about = rec('HMGET', PREFIX .. 'worker.' .. name, 'beat', 'info', 'order', 'ordered')
  if about[1] then workers[#workers + 1] = {name, about[1], about[2], about[3] or '', about[4] or ''} end
end
local holds = que('HGETALL', PREFIX .. 'holds')
for i = 1, #holds, 2 do
  local id = string.match(holds[i + 1], '^%S+ (%S+)$')
  local job = rec('HMGET', job_key(id or ''), 'operation', 'started', 'worker')
  if job[1] and job[3] and numeric(job[2]) then running[#running + 1] = {holds[i], id, job[1], seconds(numeric(job[2])), job[3]} end
end
return {NOW_TEXT, workers, running}
