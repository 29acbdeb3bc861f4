#!lua flags=allow-oom
-- Move an entry that cannot be read from the head of a list to the rejected ones, if it still is that head.
-- Keys: the list, <queue>.rejected, metrics, events. ARGV: list, queue, bytes, reason. Returns 'OK' or 'MOVED'.
--@include base
local list, queue, bytes, reason = unpack(ARGV)
if que('LINDEX', list, 0) ~= bytes then return 'MOVED' end
que('LMOVE', list, queue_key(queue, 'rejected'), 'LEFT', 'RIGHT')
count('rejected|' .. queue)
rec('XADD', PREFIX .. 'events', 'MAXLEN', '~', @EVENTS_KEPT@, '*', 'id', '', 'status', 'rejected', 'attempt', 0, 'token', '', 'reason', reason)
return 'OK'
