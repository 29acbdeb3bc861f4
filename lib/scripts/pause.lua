#!lua flags=allow-oom
-- Pause a queue: nothing is claimed from it, and its entries lie behind those of the paused lists, so that a scaler sees none.
-- Keys: paused, lists of the queue and their .paused. ARGV: queue.
-- Returns 1 where it was running, 0 where it was paused already (foreign pushes since are moved all the same).
--@include base
local queue = ARGV[1]
for _, priority in ipairs(PRIORITIES) do
  local key = list_key(queue, priority)
  if que('EXISTS', key .. '.paused') == 0 then
    if que('EXISTS', key) == 1 then que('RENAME', key, key .. '.paused') end
  else
    while que('LMOVE', key, key .. '.paused', 'LEFT', 'RIGHT') do end
  end
end
return que('HSETNX', PREFIX .. 'paused', queue, NOW_TEXT)
