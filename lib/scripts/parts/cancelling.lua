-- Cancelling one job: shared by cancel and cancel_many.
--@include withdrawal
-- Returns {'CANCELLED'}, {'REQUESTED'} (it runs; the next thing that frees it makes it cancelled), {'ENDED', status}, {'UNKNOWN'}.
local function cancel(id, by)
  local job = load(id)
  if not job or job.status == 'deleted' then return {'UNKNOWN'} end
  if job.status == 'in-progress' then
    rec('HSET', job.key, 'cancel_requested', NOW_TEXT, 'cancelled_by', by)
    local control = PREFIX .. 'control.' .. job.worker
    rec('XADD', control, 'MAXLEN', '~', 1000, '*', 'order', 'cancel', 'child', job.child, 'token', job.token, 'id', job.id)
    rec('EXPIRE', control, 3600)
    return {'REQUESTED'}
  end
  job.asker = by
  if not withdraw(job, 'cancelled') then return {'ENDED', job.status} end
  rec('HSET', job.key, 'cancelled_by', by)
  return {'CANCELLED'}
end
