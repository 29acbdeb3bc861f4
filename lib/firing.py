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
    """Fire every schedule that is due; the number of jobs. Raises StoreUnavailable.

    Those that stay due, as their queue is full or drained, are passed over: others may be due behind them. Beyond the first look
    no schedule of a queue that refused one is tried.
    """
    fired, seen, stayed = 0, _BATCH, 0
    refusing: set[str | None] = set()
    while seen == _BATCH:
        now, due = jobs.due_schedules(_BATCH, stayed)
        seen, known = len(due), frozenset(refusing) if stayed else frozenset()
        for schedule in due:
            number, code = (0, "FULL") if schedule.queue in known else _fire(jobs, schedule, now)
            fired += number
            stayed += code != "OK"
            if code in ("FULL", "DRAINING"):
                refusing.add(schedule.queue)
    return fired


def _fire(jobs: Jobs, schedule: Schedule, now: float) -> tuple[int, str]:
    """One schedule, at the server's time `now`: how many jobs, and what was said last, as `Jobs.fire` has it."""
    when = schedule.recurrence
    fired, code = 0, "GONE"
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
        code = _leave_out(jobs, schedule, now, str(error))
    except StoreFull as error:
        _warn(schedule, error)
        code = "FULL"
    except UnknownSchedule:  # deleted meanwhile
        pass
    return fired, code


def _leave_out(jobs: Jobs, schedule: Schedule, now: float, problem: str) -> str:
    """Move on over times of which there is no job, by a `problem`."""
    when = schedule.recurrence
    try:
        return jobs.fire(schedule, when.next(now), when.count(schedule.next or now, now), None, problem)
    except StoreFull as error:  # it stays due
        _warn(schedule, error)
        return "FULL"


def _warn(schedule: Schedule, error: StoreFull) -> None:
    logger.warning("Schedule %s cannot fire: %s", schedule.id, error)
