#!lua flags=allow-oom
-- Report that a child is gone: close its name, take it from the idle sets, free what it holds.
-- Keys: closed, idle, <queue>.idle, bell.<child>, holds, metrics; for the job it held those of finish.
-- ARGV: child, token it had marked as started ('' for none), verdict (crash, failed, released), reason, error or evidence (JSON).
-- A job claimed but not marked is given back uncharged. Returns {'NONE'}, or {'FREED', id, status it went to}.
--@include ends
local child, mark, verdict, reason, detail = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if que('ZADD', PREFIX .. 'closed', seconds(NOW), child) == 1 then -- else this was said before
  local evidence = verdict == 'crash' and cjson.decode(detail)
  if not evidence or evidence.exit_code ~= 0 then count('child_death|' .. (evidence and cause_of(evidence) or 'stopped')) end
end
local entry = que('HGET', PREFIX .. 'idle', child)
if entry then forget_idle(child, entry) end
que('DEL', PREFIX .. 'bell.' .. child)
local held = que('HGET', PREFIX .. 'holds', child)
if not held then return {'NONE'} end
local token, id = string.match(held, '^(%S+) (%S+)$')
local job = id and load(id)
if not job or job.status ~= 'in-progress' or job.token ~= token then
  que('HDEL', PREFIX .. 'holds', child)
  return {'NONE'}
end
if token ~= mark then
  give_back(job, 'unstarted')
elseif verdict == 'crash' then
  charge(job, detail)
elseif verdict == 'failed' then
  fail_or_retry(job, reason, detail, true)
else
  give_back(job, reason)
end
return {'FREED', id, job.status}
