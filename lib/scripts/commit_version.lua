#!lua
-- Publishes a version of the data, whose chunks are there already, as a whole or not at all.
-- Keys: data.current, data.versions, data.<version> and its chunks data.<version>.<n>, all keys of the versions that are
-- too old to keep; reads job.<job>.
-- ARGV: version, number of chunks, base ('*': any; else the version that must be current, '' for none), job, token,
-- versions to keep, then names and values of the version's fields.
-- Returns {1, version}  published, now or by an earlier sending of this call
--         {2}           the claim has ended: the job is not in progress under this token
--         {3, n}        chunk n is missing or has expired
--         {4, current}  another version than the base is current
local prefix = @PREFIX@
local version, chunks, base, job, token, keep = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local MOST_CHUNKS = 100000 -- so that a number which others wrote ends
local function key(suffix) return prefix .. 'data.' .. suffix end

if redis.call('ZSCORE', key('versions'), version) then return {1, version} end
if job ~= '' then
  local claim = redis.call('HMGET', prefix .. 'job.' .. job, 'status', 'token')
  if claim[1] ~= 'in-progress' or claim[2] ~= token then return {2} end
end
local current = redis.call('GET', key('current')) or ''
if base ~= '*' and base ~= current then return {4, current} end
for n = 0, chunks - 1 do
  if redis.call('EXISTS', key(version .. '.' .. n)) == 0 then return {3, n} end
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local newest = redis.call('ZRANGE', key('versions'), -1, -1, 'WITHSCORES')[2]
local score = math.max(now, (tonumber(newest) or 0) + 1)  -- in the order of publication even if the clock went back
for n = 0, chunks - 1 do redis.call('PERSIST', key(version .. '.' .. n)) end
redis.call('HSET', key(version), 'chunks', chunks, 'created', now, 'job', job, unpack(ARGV, 7))
redis.call('SET', key('current'), version)
redis.call('ZADD', key('versions'), score, version)
for _, old in ipairs(redis.call('ZRANGE', key('versions'), 0, -(keep + 1))) do
  local chunks = math.min(tonumber(redis.call('HGET', key(old), 'chunks')) or 0, MOST_CHUNKS)
  for n = 0, chunks - 1 do redis.call('UNLINK', key(old .. '.' .. n)) end
  redis.call('UNLINK', key(old))
  redis.call('ZREM', key('versions'), old)
end
return {1, version}
