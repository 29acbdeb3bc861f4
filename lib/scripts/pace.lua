#!lua flags=no-writes
-- How fast jobs have run so far and who could run more: what estimates are made of.
-- Keys: metrics, workers, worker.<name>; paused. ARGV: none.
-- Returns {time (s), {operation, number of its runs, microseconds they took, ...}, {information of a worker (JSON), ...},
--   {paused queue, ...}}.
--@include base
local counted, took = {}, {}
local raw = rec('HGETALL', PREFIX .. 'metrics')
for i = 1, #raw, 2 do
  local name, operation = string.match(raw[i], '^(run[_us]*)|([^|]+)')
  if name == 'run' then
    counted[operation] = (counted[operation] or 0) + numeric(raw[i + 1], 0)
  elseif name == 'run_us' then
    took[operation] = string.format('%.0f', numeric(raw[i + 1], 0))
  end
end
local runs, workers = {}, {}
for operation, number in pairs(counted) do
  for _, value in ipairs({operation, number, took[operation] or '0'}) do runs[#runs + 1] = value end
end
for _, name in ipairs(rec('ZRANGE', PREFIX .. 'workers', 0, -1)) do
  workers[#workers + 1] = rec('HGET', PREFIX .. 'worker.' .. name, 'info') or nil
end
return {NOW_TEXT, runs, workers, que('HKEYS', PREFIX .. 'paused')}
