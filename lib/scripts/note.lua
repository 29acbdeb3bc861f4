#!lua flags=allow-oom
-- Write down what a caller did that is no move of a job, once however often it is sent.
-- Keys: events, noted.<call>. ARGV: name of this call, action, target, by whom, id of the request. Returns 1.
--@include base
if rec('SET', PREFIX .. 'noted.' .. ARGV[1], 1, 'NX', 'EX', 60) then
  rec('XADD', PREFIX .. 'events', 'MAXLEN', '~', @EVENTS_KEPT@, '*', 'action', ARGV[2], 'target', ARGV[3], 'by', ARGV[4],
    'request_id', ARGV[5])
end
return 1
