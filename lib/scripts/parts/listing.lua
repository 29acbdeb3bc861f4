-- Making the lists of the queues from the jobs that wait, in their order, with what others had put between them; and what could not be read.
--@include clearing
-- Fill a part of one list. Returns how many entries it got.
local function fill_list(queue, priority, most)
  local key, strangers = list_key(queue, priority), SHADOW .. 'foreign.' .. queue .. '.' .. priority
  if is_paused(queue) then key = key .. '.paused' end
  local field = 'listed|' .. queue .. '|' .. priority
  local cursor = rec('HGET', ABOUT, field) or string.format('(%.0f', RANK[priority] * RANK_STEP - 1)
  local high = string.format('(%.0f', (RANK[priority] + 1) * RANK_STEP)
  local ids = que('ZRANGEBYSCORE', queue_key(queue, 'waiting'), cursor, high, 'WITHSCORES', 'LIMIT', 0, most)
  local others = que('ZRANGE', strangers, 0, most - 1, 'WITHSCORES')
  local more_ids, more_others = #ids == 2 * most, #others == 2 * most
  local entries, a, b = {}, 1, 1
  while true do
    local id, other = ids[a], others[b]
    if (not id and more_ids) or (not other and more_others) or not (id or other) then break end
    if other and (not id or tonumber(others[b + 1]) < tonumber(ids[a + 1])) then
      entries[#entries + 1], b = string.sub(other, 14), b + 2
    else
      entries[#entries + 1], cursor, a = id, '(' .. ids[a + 1], a + 2
    end
  end
  for i = 1, #entries, 1000 do que('RPUSH', key, unpack(entries, i, math.min(i + 999, #entries))) end
  if b > 1 then que('ZREMRANGEBYRANK', strangers, 0, (b - 1) / 2 - 1) end
  rec('HSET', ABOUT, field, cursor)
  return #entries
end

local function place_lists(most)
  for _, queue in ipairs(all_queues()) do
    local rejected = SHADOW .. 'rejected.' .. queue
    if que('EXISTS', rejected) == 1 then que('RENAME', rejected, queue_key(queue, 'rejected')) end
    for _, priority in ipairs(PRIORITIES) do
      local number = fill_list(queue, priority, most)
      if number > 0 then return number end
    end
  end
  return 0
end
