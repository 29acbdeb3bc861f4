#!lua flags=no-writes
-- A page of the groups of failed jobs that are alike, those seen last first.
-- Keys: failures, failures.first, failures.<fingerprint>, job.<id>. ARGV: '+inf' or '(' and the cursor of the page before, most groups.
-- Returns for each: fingerprint, when it was last seen (microseconds), number of jobs, when the first was seen (s), and of the
--   newest job: id, operation, type, reason and message of its error.
--@include base
local found = rec('ZREVRANGEBYSCORE', PREFIX .. 'failures', ARGV[1], '-inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local reply = {}
for i = 1, #found, 2 do
  local alike = PREFIX .. 'failures.' .. found[i]
  local id = rec('ZREVRANGE', alike, 0, 0)[1] or ''
  local newest = rec('HMGET', job_key(id), 'operation', 'error')
  local error = decoded(newest[2], {})
  reply[#reply + 1] = {found[i], found[i + 1], rec('ZCARD', alike), rec('HGET', PREFIX .. 'failures.first', found[i]) or '', id,
    newest[1] or '', tostring(error.type or ''), tostring(error.reason or ''), tostring(error.message or '')}
end
return reply
