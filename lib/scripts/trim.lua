#!lua flags=allow-oom
-- Take dead ids out of a part of one list: they are overwritten with a mark, and the marks removed in one pass.
-- Keys: the list, job.<id>, dead. ARGV: list (with or without .paused), first index, number of entries looked at.
-- Returns {dead ids removed, entries left in the list}.
--@include lists
local key, first = ARGV[1], tonumber(ARGV[2])
local MARK, removed = '\0dead', 0
for i, id in ipairs(que('LRANGE', key, first, first + tonumber(ARGV[3]) - 1)) do
  local job = #id <= 64 and string.find(id, '^[%w_-]+$') and load(id)
  if job and job.status ~= 'submitted' and tonumber(job.listed or 0) > 0 then
    que('LSET', key, first + i - 1, MARK)
    drop_listed(job)
    removed = removed + 1
  end
end
if removed > 0 then que('LREM', key, 0, MARK) end
return {removed, que('LLEN', key)}
