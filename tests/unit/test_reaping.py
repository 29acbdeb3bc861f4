"""Leases that ended: when upkeep takes their jobs back, and when it waits for one lease more."""

import time
from typing import Any

import pytest

from lib.jobs import Jobs, Submission
from lib.settings import Settings
from lib.upkeep import Upkeep
from tests.service import upkeep as upkeep_process
from tests.unit.claiming import QUEUES
from tests.waiting import until


def end_lease(jobs: Jobs, jid: str) -> None:
    """As if nobody had renewed it for long."""
    jobs.store.queues.zadd(f"{jobs.settings.key_prefix}job-queue.leases", {jid: 1})


def test_a_lease_that_ended_gives_the_job_to_another_worker(jobs: Jobs, upkeep: Upkeep) -> None:
    jid = jobs.submit(Submission("x")).id
    jobs.claim("a", "w", QUEUES)
    end_lease(jobs, jid)
    upkeep.round()
    job = jobs.get(jid)
    assert (job.status, job.lost, job.crashes, jobs.counters()["reaped|x|lease_ended"]) == ("submitted", 1, 0, 1)
    again = jobs.claim("b", "w", QUEUES)
    assert again is not None
    assert (again.id, again.attempt) == (jid, 2)


def test_leases_that_end_without_evidence_have_a_budget(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"max_lost": 1}))
    upkeep = Upkeep(jobs)
    upkeep.round()
    jid = jobs.submit(Submission("x")).id
    for child in "ab":
        jobs.claim(child, "w", QUEUES)
        end_lease(jobs, jid)
        jobs.store.records.hset(f"{settings.key_prefix}upkeep.seen", "not_before", 0)
        upkeep.round()
    job = jobs.get(jid)
    assert (job.status, job.lost) == ("failed", 2)
    assert job.error is not None
    assert job.error["reason"] == "lost"


@pytest.mark.parametrize("change", [("run_id", "another"), ("last", 1), ("last", 9_999_999_999)])
def test_nothing_is_reaped_for_one_lease_after_a_restart_a_gap_or_a_step_of_the_clock(
    jobs: Jobs, upkeep: Upkeep, change: tuple[str, Any]
) -> None:
    jid = jobs.submit(Submission("x")).id
    jobs.claim("a", "w", QUEUES)
    end_lease(jobs, jid)
    jobs.store.records.hset(f"{jobs.settings.key_prefix}upkeep.seen", *change)
    code, wait = jobs.store.run("reap", "job-queue", 10, 1.0)
    assert (code, float(wait)) == (b"WAIT", pytest.approx(jobs.settings.lease_seconds, abs=0.01))
    assert jobs.get(jid).status == "in-progress"
    assert jobs.store.run("reap", "job-queue", 10, 1.0)[0] == b"WAIT"


@pytest.mark.parametrize(("last", "watched", "code"), [(0, 1e9, b"OK"), (1e9, 0, b"OK"), (1e9, 1e9, b"WAIT")])
def test_no_gap_is_where_upkeep_was_seen_between_its_looks(
    jobs: Jobs, upkeep: Upkeep, last: float, watched: float, code: bytes
) -> None:
    now = time.time()
    seen: Any = {"last": now - last, "watched": now - watched}
    jobs.store.records.hset(f"{jobs.settings.key_prefix}upkeep.seen", mapping=seen)
    assert jobs.store.run("reap", "job-queue", 0, 10.0)[0] == code


def test_that_upkeep_watches_reaps_nothing_and_is_no_look_of_it(jobs: Jobs, upkeep: Upkeep) -> None:
    jid = jobs.submit(Submission("x")).id
    jobs.claim("a", "w", QUEUES)
    end_lease(jobs, jid)
    last = jobs.store.records.hget(f"{jobs.settings.key_prefix}upkeep.seen", "last")
    assert jobs.store.run("reap", "job-queue", 0, 10.0) == [b"OK", 0]
    assert jobs.get(jid).status == "in-progress"
    assert jobs.store.records.hget(f"{jobs.settings.key_prefix}upkeep.seen", "last") == last


def test_an_interval_longer_than_a_lease_reaps_all_the_same(jobs: Jobs, settings: Settings) -> None:
    jid = jobs.submit(Submission("x")).id
    jobs.claim("a", "w", QUEUES)
    process = upkeep_process(settings, lease_seconds=0.6, upkeep_interval=1)
    try:
        until(lambda: jobs.get(jid).status == "submitted", 30, "the reaped job")
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_a_lease_set_by_a_clock_that_ran_ahead_is_brought_back(jobs: Jobs, upkeep: Upkeep) -> None:
    jid = jobs.submit(Submission("x")).id
    jobs.claim("a", "w", QUEUES)
    key = f"{jobs.settings.key_prefix}job-queue.leases"
    jobs.store.queues.zadd(key, {jid: 9_999_999_999})
    jobs.store.run("reap", "job-queue", 10, 10)
    assert jobs.store.queues.zscore(key, jid) < time.time() + 3600  # type: ignore[operator]
