#!lua flags=allow-oom
-- Cancel, retry or delete each of some jobs, as the scripts of these names do, in this order; what one refuses holds up no other.
-- Keys: those of cancel, retry, delete. ARGV: cancel, retry or delete; by whom; id, number of the ended run, ...
-- Returns for each what its script returns.
--@include cancelling
--@include retrying
--@include deleting
local reply = {}
for i = 3, #ARGV, 2 do
  if ARGV[1] == 'retry' then
    reply[#reply + 1] = retry(ARGV[i], tonumber(ARGV[i + 1]), ARGV[2])
  elseif ARGV[1] == 'cancel' then
    reply[#reply + 1] = cancel(ARGV[i], ARGV[2])
  else
    reply[#reply + 1] = delete(ARGV[i], ARGV[2])
  end
end
return reply
