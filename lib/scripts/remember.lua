#!lua flags=allow-oom
-- Keep a sample of the counters in streams, in each once for every stretch of time; an entry's id is the start of its stretch.
-- Keys: the streams. ARGV: when the sample was taken (ms), the sample; name of a stream, length of a stretch (ms), most entries, ...
-- Returns how many streams took it. A stream that knows the future (the clock was set back) begins anew.
--@include base
local at, taken = tonumber(ARGV[1]), 0
for i = 3, #ARGV, 3 do
  local key, start = PREFIX .. ARGV[i], at - at % tonumber(ARGV[i + 1])
  local last = rec('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
  local known = last and tonumber(string.match(last[1], '^%d+')) or -1
  if known > NOW_US / 1000 then
    rec('DEL', key)
    known = -1
  end
  if known < start then
    rec('XADD', key, 'MAXLEN', ARGV[i + 2], string.format('%.0f-0', start), 'sample', ARGV[2])
    taken = taken + 1
  end
end
return taken
