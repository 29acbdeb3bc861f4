#!lua flags=allow-oom
-- Put the next part of a restore in place. Whoever calls it, the parts follow one another; where a caller died, the next one goes on.
-- Keys: restore, restoring, restore.<token>.*, and every key of the release. ARGV: token, most jobs or entries in one call.
-- Returns {'WAIT', seconds} before the first part, {'STEP', which part, number done}, {'DONE'}, now or before, {'NONE'} where no such
--   restore is under way.
--@include clearing
--@include placing
--@include listing
local token, most = ARGV[1], tonumber(ARGV[2])
local known = map_of({'token', 'step', 'not_before', 'done'}, rec('HMGET', PREFIX .. 'restore', 'token', 'step', 'not_before', 'done'))
if known.token ~= token then return {'NONE'} end
if known.done then return {'DONE'} end
if NOW < tonumber(known.not_before) then return {'WAIT', seconds(tonumber(known.not_before) - NOW)} end

-- Each does a part and returns how much it did; 0 where nothing of its kind is left.
local PARTS = {{'begin', function() return 0 end}, {'clear jobs', clear_jobs}, {'clear lists', clear_lists}, {'clear batches', clear_batches},
  {'clear the rest', clear_rest}, {'the rest', place_rest}, {'batches', place_batches}, {'schedules', place_schedules},
  {'jobs', place_jobs}, {'lists', place_lists}, {'dependencies', place_links}, {'running jobs', place_running}}
local part = 1
while PARTS[part][1] ~= known.step do part = part + 1 end
while PARTS[part] do
  local number = PARTS[part][2](most)
  if number > 0 then
    rec('HSET', PREFIX .. 'restore', 'step', PARTS[part][1])
    return {'STEP', PARTS[part][1], number}
  end
  part = part + 1
end
rec('HSET', PREFIX .. 'restore', 'done', NOW_TEXT)
rec('ZADD', PREFIX .. 'restore.loads', 0, token) -- what is left under its name is swept away
rec('DEL', ABOUT .. '.queues', ABOUT .. '.cleared')
que('DEL', PREFIX .. 'restoring')
return {'DONE'}
