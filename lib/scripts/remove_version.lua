#!lua flags=allow-oom
-- Removes a version of the data that is not the current one.
-- Keys: data.versions, data.<version>, its chunks data.<version>.<n>; reads data.current.
-- ARGV: version.
-- Returns 1  removed, now or before
--         2  it is the current version and stays
local prefix, version = @PREFIX@, ARGV[1]
local MOST_CHUNKS = 100000 -- so that a number which others wrote ends
local function key(suffix) return prefix .. 'data.' .. suffix end

if redis.call('GET', key('current')) == version then return 2 end
if redis.call('ZREM', key('versions'), version) == 1 then
  local chunks = math.min(tonumber(redis.call('HGET', key(version), 'chunks')) or 0, MOST_CHUNKS)
  for n = 0, chunks - 1 do redis.call('UNLINK', key(version .. '.' .. n)) end
  redis.call('UNLINK', key(version))
end
return 1
