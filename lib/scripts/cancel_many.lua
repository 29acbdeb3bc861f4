#!lua flags=allow-oom
-- Cancel jobs, each as cancel does. Keys: those of cancel. ARGV: by whom, id, id, ...
-- Returns {cancelled, told to their workers}; those that have ended or are unknown are left as they are.
--@include cancelling
local cancelled, told = 0, 0
for i = 2, #ARGV do
  local code = cancel(ARGV[i], ARGV[1])[1]
  if code == 'CANCELLED' then cancelled = cancelled + 1 elseif code == 'REQUESTED' then told = told + 1 end
end
return {cancelled, told}
