"""The duty that fires schedules, part of upkeep. It computes times and decides what becomes of missed ones.

That a time fires once is up to the script, which writes the job and the next time together.
"""

import logging

from lib.errors import InvalidInput, StoreFull, UnknownSchedule
from lib.jobs import Jobs, Schedule

logger = logging.getLogger("trafficjobs.upkeep")

_BATCH = 500  # schedules in one look
GRACE = 60.0  # seconds for which a time is not yet missed
_MOST_MADE_UP = 100  # jobs that one round makes up for in one schedule


def fire_due(jobs: Jobs) -> int:
    """Fire every schedule that is due; the number of jobs. Raises StoreUnavailable."""
    fired, seen = 0, _BATCH
    while seen == _BATCH:
        now, due = jobs.due_schedules(_BATCH)
        seen, before = len(due), fired
        for schedule in due:
            fired += _fire(jobs, schedule, now)
        if fired == before:
            break
    return fired


def _fire(jobs: Jobs, schedule: Schedule, now: float) -> int:
    """One schedule, at the server's time `now`."""
    when = schedule.recurrence
    fired = 0
    try:
        for _ in range(_MOST_MADE_UP if schedule.missed == "all" else 1):
            if schedule.next is None or schedule.next > now:
                break
            first, last = schedule.next, when.newest(schedule.next, now)
            late = schedule.missed == "skip" and now - last > GRACE
            if schedule.missed == "all":
                code = jobs.fire(schedule, when.next(first), 0, first)
            else:
                code = jobs.fire(schedule, when.next(now), when.count(first, last) - (not late), None if late else last)
            fired += code == "OK" and not late
            if code != "OK" or schedule.missed != "all":
                break
            schedule = jobs.schedule(schedule.id)
    except InvalidInput as error:  # its operation is gone, or takes other parameters now
        _leave_out(jobs, schedule, now, str(error))
    except StoreFull as error:
        _warn(schedule, error)
    except UnknownSchedule:  # deleted meanwhile
        pass
    return fired


def _leave_out(jobs: Jobs, schedule: Schedule, now: float, problem: str) -> None:
    """Move on over times of which there is no job, by a `problem`."""
    when = schedule.recurrence
    try:
        jobs.fire(schedule, when.next(now), when.count(schedule.next or now, now), None, problem)
    except StoreFull as error:  # it stays due
        _warn(schedule, error)


def _warn(schedule: Schedule, error: StoreFull) -> None:
    logger.warning("Schedule %s cannot fire: %s", schedule.id, error)
