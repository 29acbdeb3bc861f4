#!lua
-- Makes a version of the data that is kept the current one: what jobs claimed from now on work on.
-- Keys: data.current; reads data.versions, data.<version> and its chunks data.<version>.<n>. ARGV: version.
-- Returns 1  it is current, now or before
--         0  it is not kept
local prefix, version = @PREFIX@, ARGV[1]
local function key(suffix) return prefix .. 'data.' .. suffix end

if not redis.call('ZSCORE', key('versions'), version) then return 0 end
for n = 0, (tonumber(redis.call('HGET', key(version), 'chunks')) or 0) - 1 do
  if redis.call('EXISTS', key(version .. '.' .. n)) == 0 then return 0 end
end
redis.call('SET', key('current'), version)
return 1
