#!lua flags=allow-oom
-- Resume a queue: its paused entries come back in order, before what was pushed since by others; rings for them.
-- Keys: paused, lists of the queue and their .paused, dead, <queue>.idle, idle, bell.<child>. ARGV: queue.
-- Returns 1 where it was paused, else 0.
--@include bells
local queue = ARGV[1]
local was_paused = que('HDEL', PREFIX .. 'paused', queue)
local waiting = 0
for _, priority in ipairs(PRIORITIES) do
  local key = list_key(queue, priority)
  if que('EXISTS', key .. '.paused') == 1 then
    while que('LMOVE', key, key .. '.paused', 'LEFT', 'RIGHT') do end
    que('RENAME', key .. '.paused', key)
  end
  waiting = waiting + que('LLEN', key)
end
if waiting > 0 then ring(queue, waiting) end
return was_paused
