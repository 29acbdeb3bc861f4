-- Into a queue's lists, out of them, and how many dead ids they hold.
--@include jobs
--@include bells
-- Where a job stands among those that wait: by priority, then by order.
local function waiting_score(priority, order) return string.format('%.0f', RANK[priority] * RANK_STEP + order) end

-- Put a submitted job at the tail or the front of its list (the paused one while the queue is paused) and ring.
local function push(job, front)
  local key = list_key(job.queue, job.priority)
  local paused = is_paused(job.queue)
  if paused then key = key .. '.paused' end
  local order
  if front then
    que('LPUSH', key, job.id)
    order = FRONT - que('INCR', PREFIX .. 'front')
  else
    order = next_seq()
    que('RPUSH', key, job.id)
  end
  que('ZADD', queue_key(job.queue, 'waiting'), waiting_score(job.priority, order), job.id)
  if not paused then ring(job.queue, 1) end
end

-- A job that was laid aside until others end (parts/limits.lua) leaves for good. Returns whether it was.
local function leave_limited(job)
  if que('ZREM', queue_key(job.queue, 'limited'), job.id) == 0 then return false end
  local key = cjson.decode(job.limits).key
  if key then rec('ZREM', PREFIX .. 'limit.' .. key .. '.waiting', job.id) end
  return true
end

-- Whether a submitted job lies aside, and not in its list: another program may have put its id there all the same.
local function lies_aside(job)
  return que('ZSCORE', queue_key(job.queue, 'unserved'), job.id) or que('ZSCORE', queue_key(job.queue, 'limited'), job.id)
end

-- A submitted job that will not run keeps its place in the list; the claim drops it there.
local function leave_listed(job)
  if job.limits and leave_limited(job) then return end
  if que('ZREM', queue_key(job.queue, 'unserved'), job.id) == 0 then
    rec('HINCRBY', job.key, 'listed', 1)
    que('HINCRBY', PREFIX .. 'dead', list_key(job.queue, job.priority), 1)
  end
  que('ZREM', queue_key(job.queue, 'waiting'), job.id)
end

-- An id that came out of a list and is not to run: settle its count, and end its tombstone with the last one.
local function drop_listed(job)
  local listed = tonumber(job.listed or 0)
  if listed < 1 then return end
  que('HINCRBY', PREFIX .. 'dead', list_key(job.queue, job.priority), -1)
  rec('HINCRBY', job.key, 'listed', -1)
  if job.status == 'deleted' and listed == 1 then rec('DEL', job.key) end
end
