-- The end of a claim, said by its holder: shared by finish and turn.
--@include ends
-- What the end of a complete job needs; the other ends follow its policies and read everything.
local COMPLETING = {'v', 'status', 'queue', 'priority', 'operation', 'seq', 'started', 'attempt', 'token', 'ended_token', 'child',
  'staged', 'result_ttl', 'mirror', 'mirror_head', 'notify', 'limits', 'links', 'traceparent'}

-- Returns the word of finish, and with OK whose run it was.
local function finish(id, token, outcome, reason, result, error_json, may_retry, span)
  local job = load(id, outcome == 'complete' and COMPLETING or FIELDS)
  if job and job.ended_token == token then
    rec('HINCRBY', job.key, 'replays', 1) -- strict durability waits for a write of the connection that asks
    return 'AGAIN'
  end
  if not job or job.status ~= 'in-progress' or job.token ~= token then
    count('stale|' .. (job and job.operation or 'unknown'))
    return 'STALE'
  end
  job.by_holder = true
  if span ~= '' then job.span, job.traceparent = span, span end
  if outcome == 'complete' then
    if job.staged then
      rec('RENAME', job.key .. '.files.' .. token, job.key .. '.files')
      rec('PERSIST', job.key .. '.files')
      rec('HDEL', job.key, 'staged')
      job.staged = false
    end
    conclude(job, 'complete', reason, result)
  elseif outcome == 'failed' then
    fail_or_retry(job, reason, error_json, may_retry == '1')
  else
    give_back(job, reason)
  end
  return 'OK', job.child
end
