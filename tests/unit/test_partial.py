"""Partial results: under the claim's token, throttled, bounded, and never the end of a job."""

from typing import Any, cast

import pytest

from lib.context import Recorder, partial, running
from lib.errors import JobsError, StaleClaim
from lib.jobs import Claim, Jobs, Submission, complete, failed, released
from lib.versions import DatasetStore
from services.worker.run import LiveContext

NO_DATA = cast(DatasetStore, None)


def claimed(jobs: Jobs, **more: Any) -> Claim:
    """The one job, in the hands of a child."""
    jobs.submit(Submission("x", id="one", **more))
    claim = jobs.claim("c", "w", ["job-queue"])
    assert claim is not None
    return claim


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the worker sees; `clock[0] += 1` lets a second pass."""
    now = [100.0]
    monkeypatch.setattr("services.worker.run.time.monotonic", lambda: now[0])
    return now


def test_a_partial_result_is_shown_until_the_run_ends(jobs: Jobs) -> None:
    for end in (complete(b"1"), failed({"type": "E", "message": "no", "reason": "exception"}), released("worker stopped")):
        claim = claimed(jobs)
        jobs.partial(claim, b'{"rows": 3}')
        assert jobs.get("one").partial == {"rows": 3}
        jobs.finish(claim, end)
        assert jobs.get("one").partial is None
        jobs.cancel("one") if end.kind == "released" else None
        jobs.delete("one")


def test_it_is_fenced_by_the_token(jobs: Jobs) -> None:
    claim = claimed(jobs)
    jobs.finish(claim, complete(b"1"))
    with pytest.raises(StaleClaim):
        jobs.partial(claim, b"1")
    assert jobs.get("one").partial is None


def test_one_that_is_too_large_is_refused(jobs: Jobs) -> None:
    claim = claimed(jobs)
    with pytest.raises(JobsError, match="MAX_RESULT_BYTES"):
        jobs.partial(claim, b"1" * (jobs.settings.max_result_bytes + 1))
    assert jobs.get("one").partial is None


def test_at_full_memory_it_is_passed_over_in_silence(jobs: Jobs) -> None:
    claim = claimed(jobs)
    records = jobs.store.records
    records.config_set("maxmemory", 1)
    try:
        jobs.partial(claim, b"1")
    finally:
        records.config_set("maxmemory", 0)
    assert jobs.get("one").partial is None


def test_values_in_quick_succession_are_passed_over_but_the_last_is_shown(jobs: Jobs, clock: list[float]) -> None:
    context = LiveContext(claimed(jobs), jobs, NO_DATA)
    with running(context):
        for number in range(5):
            partial(number)
        assert jobs.get("one").partial == 0
        clock[0] += 1
        context.progress(1, 2, "")
        assert jobs.get("one").partial == 4
    assert [entry[1][b"reason"] for entry in events(jobs)].count(b"partial") == 2


def events(jobs: Jobs) -> list[Any]:
    return list(jobs.store.records.xrange(f"{jobs.store.prefix}events"))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [object(), {"a": object()}, "x" * 2_000])
def test_what_cannot_be_shown_is_told_in_the_log_and_the_job_goes_on(jobs: Jobs, value: Any) -> None:
    jobs.settings.max_result_bytes = 1_024
    context = LiveContext(claimed(jobs), jobs, NO_DATA)
    context.partial(value)
    context.end()
    (line,) = [each["line"] for each in jobs.log("one")]
    assert "partial" in line
    assert jobs.get("one").partial is None


def test_outside_a_job_it_does_nothing_and_a_recorder_keeps_it() -> None:
    partial(1)
    with running(Recorder()) as context:
        partial({"n": 1})
    assert context.parts == [{"n": 1}]
