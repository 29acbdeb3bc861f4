-- What every script stands on: the release's constants, the two databases, time, and names of keys.
local PREFIX, RECORDS, QUEUES, ADOPTED = @PREFIX@, @RECORDS@, @QUEUES@, @ADOPTED@
local RANK = {high = 0, normal = 1, low = 2}
local PRIORITIES = {'high', 'normal', 'low'}
-- Waiting jobs are ordered by RANK * RANK_STEP + order, where order is the time in microseconds at the tail and counts
-- down from FRONT at the front; all stay exact in a double.
local RANK_STEP, FRONT = 2 ^ 51, 2 ^ 50

-- What holds for one call; `called` is for other parts. As a function (lib/functions.py) all else is made once, and called again and
-- again: no part may keep anything elsewhere, nor ask Redis or the clock outside of a function (tests/unit/test_functions.py).
local NOW, NOW_US, NOW_TEXT, selected, called
local function begin()
  -- While a restore puts its keys in place, no script runs but its own (lib/backup): nobody works on half of a release.
  if @GATED@ and redis.call('EXISTS', PREFIX .. 'restoring') == 1 then
    return redis.error_reply('RESTORING A restore is being put in place.')
  end
  local clock = redis.call('TIME')
  NOW = clock[1] + clock[2] / 1000000
  NOW_US = clock[1] * 1000000 + clock[2]
  NOW_TEXT = string.format('%d.%06d', clock[1], clock[2])
  selected = QUEUES -- script connections are opened on the queue database
  called = {}
end

local function at(db)
  if selected ~= db then
    redis.call('SELECT', db)
    selected = db
  end
end
--@include damage
-- One command in the database of the records, or of the queues.
local function rec(...)
  at(RECORDS)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then return heal(RECORDS, reply.err, ...) end
  return reply
end
local function que(...)
  at(QUEUES)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then return heal(QUEUES, reply.err, ...) end
  return reply
end

local function seconds(value) return string.format('%.6f', value) end

-- A number that was read, or `default` where it is none.
local function numeric(value, default)
  local found = tonumber(value)
  return found and found == found and math.abs(found) < math.huge and found or default
end

-- A JSON text as a table, or `default` where it is none.
local function decoded(words, default)
  local ok, value = pcall(cjson.decode, words)
  return ok and type(value) == 'table' and value or default
end

local function job_key(id) return PREFIX .. 'job.' .. id end
local function list_key(queue, priority)
  local key = 'hotqueue:' .. (ADOPTED[queue] and '' or PREFIX) .. queue
  return priority == 'normal' and key or key .. ':' .. priority
end
local function queue_key(queue, part) return PREFIX .. queue .. '.' .. part end

local function is_paused(queue) return que('HEXISTS', PREFIX .. 'paused', queue) == 1 end
local function is_draining(queue) return que('HEXISTS', PREFIX .. 'draining', queue) == 1 end
-- Add to a durable counter: metric names and labels joined by '|'.
local function count(field, by) rec('HINCRBY', PREFIX .. 'metrics', field, by or 1) end

local function map_of(names, values)
  local map = {}
  for i, name in ipairs(names) do map[name] = values[i] end
  return map
end
