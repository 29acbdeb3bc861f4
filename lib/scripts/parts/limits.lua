-- Jobs that may not all run at once, or start as fast as they come, where their record says `limits`: as JSON `key` and `most`,
-- `rate`, `starts` and `seconds`.
--@include lists
local MOST_FREED = 100 -- jobs that one free place may call, where their queues are paused

-- Whether a job that came to the head of its list may start now. One that may not is laid aside: until a place is free, or until its time.
local function admitted(job)
  local limits = cjson.decode(job.limits)
  if limits.rate and not rec('HGET', job.key, 'admitted') then
    local key = PREFIX .. 'rate.' .. limits.rate
    local slot, first = NOW, rec('LINDEX', key, -limits.starts)
    if first then slot = math.max(NOW, math.min(numeric(first, 0), NOW + 86400) + limits.seconds) end
    rec('RPUSH', key, seconds(slot))
    rec('LTRIM', key, -limits.starts, -1)
    rec('PEXPIRE', key, math.ceil((slot - NOW + limits.seconds) * 1000) + 1000)
    rec('HSET', job.key, 'admitted', 1)
    if slot > NOW then
      que('ZADD', queue_key(job.queue, 'scheduled'), seconds(slot), job.id)
      move(job, 'scheduled', 'rate', {'ready', seconds(slot)})
      return false
    end
  end
  if limits.key then
    local key = PREFIX .. 'limit.' .. limits.key
    if rec('SCARD', key) >= limits.most then
      que('ZADD', queue_key(job.queue, 'limited'), seconds(NOW), job.id)
      rec('ZADD', key .. '.waiting', job.seq, job.id)
      return false
    end
    rec('SADD', key, job.id)
  end
  rec('HDEL', job.key, 'admitted')
  return true
end

-- A running job gives its place back: the next one that was laid aside for it comes to the front of its queue.
local function free_place(job)
  local limits = cjson.decode(job.limits)
  if not limits.key then return end
  local key = PREFIX .. 'limit.' .. limits.key
  rec('SREM', key, job.id)
  for _ = 1, MOST_FREED do
    local id = rec('ZPOPMIN', key .. '.waiting')[1]
    if not id then return end
    local following = load(id)
    if following and following.status == 'submitted' and que('ZREM', queue_key(following.queue, 'limited'), id) == 1 then
      push(following, true)
      if not is_paused(following.queue) then return end
    end
  end
end
