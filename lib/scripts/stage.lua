#!lua flags=allow-oom
-- Lay a file aside under the claim's token; finish gives it to the job.
-- Keys: job.<id>, job.<id>.files.<token> (with an expiry until then). ARGV: id, token, name, content type, bytes, most bytes in all.
-- Returns 'OK', 'STALE' or 'LARGE'.
--@include jobs
local job = load(ARGV[1])
if not job or job.status ~= 'in-progress' or job.token ~= ARGV[2] then return 'STALE' end
local key, name = job.key .. '.files.' .. job.token, ARGV[3]
local total = numeric(rec('HGET', key, '|bytes'), 0) - rec('HSTRLEN', key, name) + #ARGV[5]
if total > tonumber(ARGV[6]) then return 'LARGE' end
rec('HSET', key, name, ARGV[5], name .. '|type', ARGV[4], '|bytes', total)
rec('EXPIRE', key, 86400)
rec('HSET', job.key, 'staged', 1)
return 'OK'
