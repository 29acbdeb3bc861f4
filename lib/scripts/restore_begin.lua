#!lua
-- Begin to put a restore in place, whose keys all lie under restore.<token>. by now: from here on no other script runs.
-- Keys: restore, restoring, restore.loads; reads jobs, batches, schedules, data.versions, lists of the queues.
-- ARGV: token, 1 to replace what is there, seconds by which what is kept for a time is kept longer, field, value, ... of the restore,
--   among them queues (JSON).
-- Returns {'OK'} (now, or by an earlier sending), {'BUSY', token of the restore under way}, {'GONE'} (its keys were swept away),
--   {'NOT EMPTY', what is there, how many}.
--@include base
local GRACE = 1 -- seconds before the first change, in which everybody who looks at half-second intervals has seen it
local token = ARGV[1]
local known = que('GET', PREFIX .. 'restoring')
if known then return known == token and {'OK'} or {'BUSY', known} end
if not rec('ZSCORE', PREFIX .. 'restore.loads', token) then return {'GONE'} end
local about = {}
for i = 4, #ARGV, 2 do about[ARGV[i]] = ARGV[i + 1] end
if ARGV[2] ~= '1' then
  for _, what in ipairs({'jobs', 'batches', 'schedules', 'data.versions'}) do
    local number = rec('ZCARD', PREFIX .. what)
    if number > 0 then return {'NOT EMPTY', what, number} end
  end
  for _, queue in ipairs(cjson.decode(about.queues)) do
    for _, priority in ipairs(PRIORITIES) do
      for _, list in ipairs({list_key(queue, priority), list_key(queue, priority) .. '.paused'}) do
        at(QUEUES)
        local length = redis.pcall('LLEN', list)
        if type(length) == 'number' and length > 0 then return {'NOT EMPTY', 'entries of ' .. list, length} end
      end
    end
  end
end
rec('DEL', PREFIX .. 'restore')
rec('HSET', PREFIX .. 'restore', 'token', token, 'step', 'begin', 'cursor', '', 'shift', ARGV[3], 'began', NOW_TEXT,
  'not_before', seconds(NOW + GRACE), unpack(ARGV, 4))
que('SET', PREFIX .. 'restoring', token)
return {'OK'}
