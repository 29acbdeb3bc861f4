"""Schedules on a real server: created, changed, paused, deleted, and fired once for each of their times."""

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from lib.errors import Conflict, InvalidInput, UnknownSchedule
from lib.firing import fire_due
from lib.jobs import Jobs, Recurrence, Retry, Schedule, Submission, job_of
from lib.settings import Settings

HOURLY = Recurrence(every=3600.0)


def nightly(**changes: object) -> Schedule:
    values: dict[str, object] = {"id": "nightly", "job": {"operation": "x", "params": {"n": 1}}, "recurrence": HOURLY}
    return Schedule(**(values | changes))  # type: ignore[arg-type]


def set_back(jobs: Jobs, sid: str, seconds: float) -> float:
    """Let a schedule be due since `seconds`; its due time."""
    due = jobs._now() - seconds
    key = f"{jobs.store.prefix}schedule.{sid}"
    jobs.store.records.hset(key, mapping={"next": f"{due:.6f}", "anchor": f"{due:.6f}"})
    jobs.store.records.zadd(f"{jobs.store.prefix}schedules.due", {sid: f"{due:.6f}"})
    return due


def ids(jobs: Jobs) -> list[str]:
    return sorted(job.id for job in jobs.page().jobs)


def test_a_schedule_says_when_it_comes_next(jobs: Jobs) -> None:
    made = jobs.put_schedule(nightly(recurrence=Recurrence(cron="30 6 * * *", timezone="America/Chicago"), by="ann"))
    shown = made.to_dict()
    assert (shown["cron"], shown["timezone"], shown["by"]) == ("30 6 * * *", "America/Chicago", "ann")
    assert len(shown["upcoming"]) == 5
    assert shown["next"] == shown["upcoming"][0]
    assert shown["next"][14:16] == "30"
    assert [each.id for each in jobs.schedules()] == ["nightly"]


def test_a_time_fires_once_for_two_runners(jobs: Jobs, settings: Settings) -> None:
    other = Jobs(settings)
    jobs.put_schedule(nightly(by="ann"))
    due = set_back(jobs, "nightly", 5)
    now, seen = other.due_schedules(10)
    assert fire_due(jobs) == 1
    assert other.fire(seen[0], now + 3600, 0, due) == "GONE"
    assert fire_due(other) == 0
    (job,) = jobs.page().jobs
    assert job.id == f"nightly-{due:.0f}"
    assert (job.schedule, job.by, job.input) == ("nightly", "ann", {"operation": "x", "params": {"n": 1}})
    assert datetime.fromisoformat(job.scheduled_for or "").timestamp() == pytest.approx(due, abs=1e-5)
    after = jobs.schedule("nightly")
    assert (after.fired, after.last_job, after.missed_count) == (1, job.id, 0)
    assert after.next == pytest.approx(due + 3600, abs=1e-5)
    other.close()


@pytest.mark.parametrize(("policy", "jobs_run", "missed"), [("once", 1, 23), ("skip", 0, 24), ("all", 24, 0)])
def test_a_missed_day_follows_the_policy(jobs: Jobs, policy: str, jobs_run: int, missed: int) -> None:
    jobs.put_schedule(nightly(missed=policy))
    due = set_back(jobs, "nightly", 23.5 * 3600)
    assert fire_due(jobs) == jobs_run
    after = jobs.schedule("nightly")
    assert (after.fired, after.missed_count) == (jobs_run, missed)
    assert after.next == pytest.approx(due + 24 * 3600, abs=1e-3)
    if policy == "once":  # for the newest of its times
        assert ids(jobs) == [f"nightly-{due + 23 * 3600:.0f}"]
    assert fire_due(jobs) == 0


DAMAGED_JOBS = [
    {"timeout": "x"},
    {"retry": {"max": "x"}},
    {"retry": {"max": 1, "intervals": [[]]}},
    {"retry": {"backoff": 5}},
    {"notify": [[]]},
    {"notify": [{"webhook": 5}]},
    {"notify": [{"email": "a@example.org", "on": [[]]}]},
    {"input": 5},
    {"unique_key": 5},
    {"odd": 1},
    {"operation": None},
]


@pytest.mark.parametrize("damage", DAMAGED_JOBS)
def test_a_schedule_whose_job_was_damaged_is_shelved_and_holds_up_no_other(jobs: Jobs, damage: dict[str, object]) -> None:
    for sid in ("damaged", "whole"):
        jobs.put_schedule(nightly(id=sid))
        set_back(jobs, sid, 5)
    jobs.store.records.hset(f"{jobs.store.prefix}schedule.damaged", "job", orjson.dumps({"operation": "x"} | damage))
    assert fire_due(jobs) == 1
    assert [each.id for each in jobs.schedules()] == ["whole"]
    assert jobs.schedule("whole").fired == 1


def test_a_schedule_keeps_every_field_of_a_job_that_can_recur(jobs: Jobs) -> None:
    params, retry = {"start": "2023-01-01"}, Retry(max=2, intervals=[1, 2.5], jitter=0)
    submission = Submission("x", params, input=params, priority="low", timeout=5, retry=retry, max_crashes=0, result_ttl=60,
                            failed_ttl=60, start="2023-01-01", end="2023-01-02", throttle=60.0, unique_key="k", cache=False,
                            concurrency_key="c")  # fmt: skip
    jobs.put_schedule(nightly(job=job_of(submission)))
    assert jobs.schedule("nightly").submission(submission.id) == replace(submission, schedule="nightly")


def test_skip_still_fires_the_time_that_has_just_come(jobs: Jobs) -> None:
    jobs.put_schedule(nightly(missed="skip"))
    set_back(jobs, "nightly", 2 * 3600 + 10)
    assert fire_due(jobs) == 1
    assert jobs.schedule("nightly").missed_count == 2


def test_a_paused_schedule_fires_nothing_and_makes_up_for_nothing(jobs: Jobs) -> None:
    jobs.put_schedule(nightly())
    set_back(jobs, "nightly", 7200)
    assert jobs.pause_schedule("nightly").paused
    assert jobs.schedule("nightly").to_dict()["upcoming"] == []
    assert fire_due(jobs) == 0
    resumed = jobs.resume_schedule("nightly")
    assert not resumed.paused
    assert resumed.next is not None
    assert resumed.next > datetime.now(UTC).timestamp()
    assert fire_due(jobs) == 0


def test_what_was_read_before_a_pause_a_change_or_a_deletion_does_not_fire(jobs: Jobs) -> None:
    for n, act in enumerate(
        (
            jobs.pause_schedule,
            jobs.delete_schedule,
            lambda sid: jobs.put_schedule(nightly(id=sid, recurrence=Recurrence(every=60.0)), replace=True),
        )
    ):
        sid = f"s{n}"
        jobs.put_schedule(nightly(id=sid))
        due = set_back(jobs, sid, 5)
        _, seen = jobs.due_schedules(10)
        act(sid)  # type: ignore[operator]
        assert jobs.fire(next(each for each in seen if each.id == sid), due + 3600, 0, due) == "GONE"
    assert ids(jobs) == []


def test_the_same_schedule_again_changes_nothing_and_another_conflicts(jobs: Jobs) -> None:
    first = jobs.put_schedule(nightly())
    assert jobs.put_schedule(nightly()) == first
    with pytest.raises(Conflict, match="nightly"):
        jobs.put_schedule(nightly(missed="all"))
    jobs.pause_schedule("nightly")
    changed = jobs.put_schedule(nightly(missed="all"), replace=True)
    assert (changed.missed, changed.paused, changed.created) == ("all", True, first.created)


def test_a_full_queue_holds_the_time_back_until_there_is_room(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"queue_limit": 1}))
    jobs.put_schedule(nightly())
    due = set_back(jobs, "nightly", 5)
    blocker = jobs.trigger_schedule("nightly", "by-hand")
    assert fire_due(jobs) == 0
    assert "was full" in (jobs.schedule("nightly").problem or "")
    jobs.cancel(blocker.id)
    assert fire_due(jobs) == 1
    assert jobs.schedule("nightly").problem is None
    assert f"nightly-{due:.0f}" in ids(jobs)
    jobs.close()


def test_unknown_schedules_and_wrong_ones_are_named(jobs: Jobs) -> None:
    with pytest.raises(UnknownSchedule, match="nope"):
        jobs.schedule("nope")
    with pytest.raises(UnknownSchedule):
        jobs.delete_schedule("nope")
    with pytest.raises(InvalidInput, match="missed"):
        jobs.put_schedule(nightly(missed="later"))
    with pytest.raises(InvalidInput, match="id"):
        jobs.put_schedule(nightly(id="a b"))
    with pytest.raises(InvalidInput, match="queue"):
        jobs.put_schedule(nightly(queue="nope"))
    assert jobs.schedules() == []


def test_nothing_due_costs_two_commands_however_many_schedules_there_are(jobs: Jobs) -> None:
    for n in range(200):
        jobs.put_schedule(nightly(id=f"s{n}"))
    before = jobs.store.records.info("commandstats")
    assert fire_due(jobs) == 0
    after = jobs.store.records.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    assert {name: number for name, number in calls.items() if number} == {
        "cmdstat_time": 1,
        "cmdstat_zrangebyscore": 1,
        "cmdstat_info": 1,
    }


def test_schedules_whose_queue_is_drained_stop_no_others(jobs: Jobs, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.firing._BATCH", 2)
    both = Jobs(settings.model_copy(update={"queues": ["second"]}))
    for n in range(5):
        both.put_schedule(nightly(id=f"stuck-{n}", queue="second"))
        set_back(both, f"stuck-{n}", 20 - n)
    for n in range(3):
        both.put_schedule(nightly(id=f"free-{n}"))
        set_back(both, f"free-{n}", 5 - n)
    both.drain("second")
    assert fire_due(both) == 3
    assert [both.schedule(f"free-{n}").fired for n in range(3)] == [1, 1, 1]
    both.open("second")
    assert fire_due(both) == 5
    both.close()
