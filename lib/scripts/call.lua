#!lua flags=allow-oom
-- Call jobs that lie aside though a place of their concurrency key is free, and nobody who could take it is at the front of their queue:
--   whoever was called left unclaimed (cancelled, purged, deleted), or stands in another queue, which no worker serves.
-- Keys: paused, <queue>.{limited,waiting,idle}, lists, front, job.<id>, limit.<key>, limit.<key>.waiting.
-- ARGV: queue, index of the first of <queue>.limited to look at, most of them. Returns {how many were looked at, how many called}.
--@include limits
local NEEDED = {'v', 'status', 'queue', 'priority', 'limits'}
local MOST_IN_FRONT = 100 -- with more, the queue has enough to claim, and nobody is called
local queue, first, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local ids = que('ZRANGE', queue_key(queue, 'limited'), first, first + most - 1)
if not ids[1] or is_paused(queue) then return {0, 0} end

-- The job and its limits, where it waits and has a concurrency key.
local function keyed(id)
  local job = load(id, NEEDED)
  local limits = job and job.status == 'submitted' and job.limits and cjson.decode(job.limits)
  if limits and limits.key then return job, limits end
end

-- Those at the front were called, or given back: a place is kept for each.
local coming = {}
for _, priority in ipairs(PRIORITIES) do
  local lowest = RANK[priority] * RANK_STEP
  local front = que('ZRANGEBYSCORE', queue_key(queue, 'waiting'), string.format('%.0f', lowest), string.format('%.0f', lowest + FRONT),
    'LIMIT', 0, MOST_IN_FRONT)
  if #front == MOST_IN_FRONT then return {#ids, 0} end
  for _, id in ipairs(front) do
    local job, limits = keyed(id)
    if job then coming[limits.key] = (coming[limits.key] or 0) + 1 end
  end
end

local room, called_back = {}, {}
for _, id in ipairs(ids) do
  local job, limits = keyed(id)
  if job then
    local key = limits.key
    room[key] = room[key] or limits.most - rec('SCARD', PREFIX .. 'limit.' .. key) - (coming[key] or 0)
    if room[key] > 0 then
      room[key] = room[key] - 1
      called_back[#called_back + 1] = job
    end
  end
end
for n = #called_back, 1, -1 do -- so that the first of them is in front
  leave_limited(called_back[n])
  push(called_back[n], true)
end
return {#ids, #called_back}
