"""Estimates: learned from the counters, by position, time and progress, and none where nothing is known."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from lib.jobs import Estimates, Job, Jobs, Submission, complete
from lib.reading import iso

INFO = {"kind": "worker", "queues": ["job-queue"], "operations": ["x", "y"], "children": 2}


def history(jobs: Jobs, operation: str, *seconds: float) -> None:
    """Runs of an operation, as the scripts count them."""
    key = f"{jobs.store.prefix}metrics"
    jobs.store.records.hincrby(key, f"run|{operation}|1.0", len(seconds))
    jobs.store.records.hincrby(key, f"run_us|{operation}", int(sum(seconds) * 1e6))


def fresh(jobs: Jobs) -> Estimates:
    """What is known now, and not a moment ago."""
    jobs._known = None
    return jobs.estimates()


def job(status: str = "submitted", operation: str = "x", **more: Any) -> Job:
    return Job("one", status, operation, {}, "job-queue", "normal", **more)


def test_the_mean_of_every_operation_is_learned_from_its_runs(jobs: Jobs) -> None:
    for _ in range(3):
        jobs.submit(Submission("x"))
        claim = jobs.claim("c", "w", ["job-queue"])
        assert claim is not None
        jobs.finish(claim, complete(b"1"))
    history(jobs, "y", 1.0, 3.0)
    known = fresh(jobs)
    assert known.means["y"] == 2.0
    assert 0 < known.means["x"] < 1
    counters = jobs.counters()
    assert known.means["x"] == counters["run_us|x"] / 1e6 / 3
    assert known.overall == pytest.approx((counters["run_us|x"] / 1e6 + 4) / 5)


def test_a_waiting_job_waits_for_those_before_it_and_runs_as_long_as_others(jobs: Jobs) -> None:
    history(jobs, "x", 1.0, 3.0)
    history(jobs, "y", 8.0, 8.0)
    jobs.beat("w", INFO, [])
    known = fresh(jobs)
    assert known.of(job(), 0) == 2.0
    assert known.of(job(), 4) == 4 * 5.0 / 2 + 2.0
    jobs.beat("another", INFO | {"children": 3}, [])
    assert fresh(jobs).of(job(), 4) == 4 * 5.0 / 5 + 2.0


def test_a_scheduled_job_runs_after_its_time(jobs: Jobs) -> None:
    history(jobs, "x", 2.0)
    jobs.beat("w", INFO, [])
    known = fresh(jobs)
    assert known.of(job("scheduled", due=iso(known.now + 60))) == pytest.approx(62, abs=1)
    assert known.of(job("scheduled", due=iso(known.now - 60))) == 2.0


def test_a_running_job_is_judged_by_its_progress_else_by_the_mean(jobs: Jobs) -> None:
    history(jobs, "x", 20.0)
    known = fresh(jobs)
    started = iso(known.now - 5)
    assert known.of(job("in-progress", started=started)) == pytest.approx(15, abs=1)
    assert known.of(job("in-progress", started=started, progress={"done": 1, "total": 4, "note": ""})) == pytest.approx(15, abs=1)
    assert known.of(job("in-progress", started=started, progress={"done": 4, "total": 4, "note": ""})) == 0
    assert known.of(job("in-progress", started=started, progress={"done": 7, "total": None, "note": ""})) == pytest.approx(
        15, abs=1
    )
    assert known.of(job("in-progress", started=started, progress={"done": 1e-320, "total": 1})) == pytest.approx(15, abs=1)
    assert known.of(job("in-progress", started=iso(known.now - 50))) == 0


def test_nothing_is_said_where_nothing_is_known(jobs: Jobs) -> None:
    assert fresh(jobs).of(job(), 0) is None
    jobs.beat("w", INFO, [])
    assert fresh(jobs).of(job(), 0) is None  # nothing has run yet
    history(jobs, "x", 1.0)
    known = fresh(jobs)
    assert known.of(job(), 0) == 1.0
    assert known.of(job(operation="y"), 0) is None
    assert known.of(job(), None) is None  # laid aside
    for status in ("complete", "failed", "cancelled"):
        assert known.of(job(status)) is None
    jobs.pause()
    assert fresh(jobs).of(job(), 0) is None


@pytest.mark.parametrize(
    "more", [{"draining": True}, {"stopping": True}, {"queues": ["other"]}, {"operations": ["y"]}, {"kind": "consumer"}]
)
def test_workers_that_would_not_take_the_job_do_not_count(jobs: Jobs, more: dict[str, Any]) -> None:
    history(jobs, "x", 1.0)
    jobs.beat("w", INFO | more, [])
    assert fresh(jobs).of(job(), 0) is None


def test_a_mix_of_jobs_is_shared_by_the_children_that_serve_all_of_it(jobs: Jobs) -> None:
    history(jobs, "x", 2.0)
    history(jobs, "y", 5.0)
    jobs.beat("w", INFO, [])
    known = fresh(jobs)
    assert known.of_mix({"x": 10, "y": 2}, "job-queue") == (20 + 10) / 2
    assert known.of_mix({"y": 1}, "job-queue") == 5.0  # one job is not shared
    assert known.of_mix({}, "job-queue") == known.of_mix({"x": 0}, "job-queue") == 0.0
    assert known.of_mix({"x": 1, "z": 1}, "job-queue") is None
    assert known.of_mix({"x": 1}, "other") is None


@pytest.mark.parametrize("when", ["run_in", "run_at"])
def test_a_batch_takes_as_long_as_the_jobs_of_it_that_are_to_run_later(jobs: Jobs, when: str) -> None:
    history(jobs, "x", 2.0)
    jobs.beat("w", INFO, [])
    later: dict[str, Any] = {when: 600.0 if when == "run_in" else time.time() + 600.0}
    at_once, _ = jobs.submit_batch([Submission("x") for _ in range(10)])
    delayed, _ = jobs.submit_batch([Submission("x"), *(Submission("x", **later) for _ in range(10))])
    eta = {batch.id: jobs.batch_eta(batch) for batch in (at_once, delayed)}
    assert eta[at_once.id] == 10 * 2.0 / 2
    assert 600 < (eta[delayed.id] or 0.0) <= 600 + 10 * 2.0 / 2 + 1  # their time to come, and the time that they take


def test_what_was_read_is_used_for_a_second(jobs: Jobs) -> None:
    first = jobs.estimates()
    assert jobs.estimates() is first
    at = first.at(10)
    assert at is not None
    assert abs(datetime.fromisoformat(at).timestamp() - datetime.now(UTC).timestamp() - 10) < 5
