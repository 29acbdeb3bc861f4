#!lua flags=allow-oom
-- Send a delivery again, or now instead of later, with all its tries anew. One that is being sent is left alone.
-- Keys: deliveries.due, delivery.<id>. ARGV: id, number of attempts that were seen (so that it may be sent twice).
-- Returns OK, or UNKNOWN.
--@include announcing
local id = ARGV[1]
local key = delivery_key(id)
local known = rec('HMGET', key, 'attempts', 'token')
if not known[1] then return 'UNKNOWN' end
if not known[2] and numeric(known[1], 0) <= tonumber(ARGV[2]) then
  rec('HSET', key, 'state', 'pending', 'tries', 0, 'next', NOW_TEXT)
  rec('ZADD', DUE, NOW_TEXT, id)
end
return 'OK'
