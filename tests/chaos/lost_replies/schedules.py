"""Schedules: made, switched, laid on the shelf, and fired."""

from lib.jobs import Jobs, Recurrence, Schedule
from tests.chaos.lost_replies.registry import call, listed
from tests.chaos.scenarios.stage import Stage


def scheduled(stage: Stage, every: float = 3600.0) -> Schedule:
    """A schedule that is there."""
    return stage.jobs.put_schedule(Schedule("nightly", {"operation": "ledger_noop"}, Recurrence(every=every)))


@call
def put_schedule(stage: Stage, deaf: Jobs) -> None:
    made = deaf.put_schedule(Schedule("nightly", {"operation": "ledger_noop"}, Recurrence(every=3600.0)))
    assert stage.jobs.schedules() == [made]


@call
def switch_schedule(stage: Stage, deaf: Jobs) -> None:
    scheduled(stage)
    deaf.delete_schedule("nightly")
    assert stage.jobs.schedules() == []


@call
def shelve(stage: Stage, deaf: Jobs) -> None:
    scheduled(stage)
    store, prefix = stage.jobs.store, stage.settings.key_prefix
    updated = store.records.hget(f"{prefix}schedule.nightly", "updated")
    deaf.store.run("shelve", "nightly", updated, "cannot be read")
    assert store.records.zrange(f"{prefix}schedules.due", 0, -1) == []
    store.records.delete(f"{prefix}damaged")


@call
def fire(stage: Stage, deaf: Jobs) -> None:
    made = scheduled(stage)
    assert made.next is not None
    assert deaf.fire(made, made.next + 3600, 0, made.next) == "GONE"  # the first sending did it, and was not heard
    (job,) = stage.jobs.page().jobs
    stage.acknowledged[job.id] = "ledger_noop"
    assert listed(stage) == [job.id.encode()]
