#!lua flags=allow-oom
-- Give jobs whose lease ended without evidence to another worker. Refuses for one full lease after Redis restarted, after
-- nobody looked for `gap` seconds, or after the clock stepped: the holders could not renew then. With no jobs at most, it is only
-- seen that Redis answers: upkeep asks that between its rounds and during long duties, or they would be taken for a gap.
-- Keys: upkeep.seen, job.<id>, jobs.*, events, metrics; <queue>.{leases,waiting,idle}, lists, holds.
-- ARGV: queue, most jobs in one call, gap (s). Returns {'WAIT', seconds}, or {'OK', reaped}.
--@include ends
local queue, most, gap = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local seen_key = PREFIX .. 'upkeep.seen'
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local seen = rec('HMGET', seen_key, 'run_id', 'last', 'not_before', 'watched')
local not_before = math.min(numeric(seen[3], 0), NOW + @LEASE@)
local leases = queue_key(queue, 'leases')
local away = math.min(math.abs(NOW - numeric(seen[2], 0)), math.abs(NOW - numeric(seen[4], 0)))
if seen[1] ~= run_id or away > gap then not_before = NOW + @LEASE@ end
rec('HSET', seen_key, 'run_id', run_id, most > 0 and 'last' or 'watched', NOW_TEXT, 'not_before', seconds(not_before))
if NOW < not_before then return {'WAIT', seconds(not_before - NOW)} end
if most == 0 then return {'OK', 0} end

-- After the clock stepped back, leases would end too late.
for _, id in ipairs(que('ZRANGEBYSCORE', leases, '(' .. seconds(NOW + 2 * @LEASE@), '+inf', 'LIMIT', 0, most)) do
  que('ZADD', leases, seconds(NOW + @LEASE@), id)
end

local reaped = 0
for _, id in ipairs(que('ZRANGEBYSCORE', leases, '-inf', seconds(NOW), 'LIMIT', 0, most)) do
  local job = load(id)
  if not job or job.status ~= 'in-progress' then
    que('ZREM', leases, id)
  elseif job.cancel_requested then
    count('reaped|' .. job.operation .. '|cancelled')
    conclude(job, 'cancelled', 'lost')
  else
    reaped = reaped + 1
    local lost = tonumber(job.lost or 0) + 1
    local error_json = error_text('LeaseExpired', 'The lease ended and the worker was not heard of again.', 'lost',
      {worker = job.worker, summary = 'no evidence: the node, the pod or its network is gone'})
    rec('HSET', job.key, 'lost', lost)
    note_attempt(job, 'lost', error_json)
    count('reaped|' .. job.operation .. (lost > @MAX_LOST@ and '|lost_too_often' or '|lease_ended'))
    if lost > @MAX_LOST@ then fail(job, 'lost', error_json) else requeue(job, 'lost', true) end
  end
end
return {'OK', reaped}
