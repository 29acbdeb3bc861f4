-- What another program, or a hand, put in the place of ours. A key with another type than it should have is laid aside as
-- <prefix>damaged.<key> for a week and its command sent again; a counter that is no number begins anew. So it holds up nothing. What was
-- found stands in `damaged` (a sorted set of '<key> <what>' by when), for the log of upkeep and for /doctor.
local DAMAGE_KEPT, ASIDE_KEPT = 1000, 604800 -- entries; seconds

local function note_damage(name, what)
  at(RECORDS)
  local key = PREFIX .. 'damaged'
  if redis.pcall('TYPE', key).ok ~= 'zset' then redis.pcall('DEL', key) end
  redis.pcall('ZADD', key, 'NX', NOW_TEXT, name .. ' ' .. what)
  redis.pcall('ZREMRANGEBYRANK', key, 0, -(DAMAGE_KEPT + 1))
end

-- In the database that is selected. Returns whether it is out of the way: a script that only reads may not do that.
local function lay_aside(db, key)
  local mine = string.sub(key, 1, #PREFIX) == PREFIX
  if not mine and string.sub(key, 1, 9) ~= 'hotqueue:' then return false end
  -- Another program may have something else of the name of a record.
  if mine and string.find(string.sub(key, #PREFIX + 1), '^job%.[%w_-]+$') then return false end
  local kind = redis.pcall('TYPE', key).ok
  local aside = PREFIX .. 'damaged.' .. (mine and string.sub(key, #PREFIX + 1) or key)
  if not redis.pcall('RENAME', key, aside).ok then return false end
  redis.pcall('EXPIRE', aside, ASIDE_KEPT)
  note_damage(key, 'was a ' .. tostring(kind) .. '; it is kept as ' .. aside .. ' for a week')
  at(db)
  return true
end

-- A command failed: put right what it met, and send it again. What is not about damage fails as it did.
local function heal(db, why, command, key, ...)
  -- What a reading command says where there is nothing.
  local function nothing(command, number)
    if command == 'HMGET' then
      local values = {}
      for i = 1, number do values[i] = false end
      return values
    end
    if string.find(' HGETALL HKEYS LRANGE SMEMBERS XRANGE XREVRANGE ZRANGE ZRANGEBYSCORE ZREVRANGE ZREVRANGEBYSCORE ', ' ' .. command .. ' ', 1,
      true) then return {} end
    if string.find(' HEXISTS HSTRLEN LLEN SCARD ZCARD ZCOUNT ', ' ' .. command .. ' ', 1, true) then return 0 end
    if string.find(' GET HGET LINDEX ZSCORE ZRANK ', ' ' .. command .. ' ', 1, true) then return false end
  end
  if string.find(why, 'WRONGTYPE', 1, true) or string.find(why, 'exhausted the last possible ID', 1, true) then
    -- LMOVE names two lists, and the first one may be sound.
    local wrong = command == 'LMOVE' and redis.pcall('TYPE', key).ok == 'list' and (...) or key
    if not lay_aside(db, wrong) then
      local reply = nothing(command, select('#', ...))
      if reply ~= nil then return reply end
    end
  elseif (command == 'HINCRBY' or command == 'INCR')
    and (string.find(why, 'not an integer', 1, true) or string.find(why, 'overflow', 1, true)) then
    if command == 'INCR' then redis.pcall('DEL', key) else redis.pcall('HDEL', key, (...)) end
    note_damage(key, command == 'INCR' and 'was no number; it begins anew' or 'had no number in ' .. tostring((...)) .. '; it begins anew')
    at(db)
  end
  return redis.call(command, key, ...)
end
