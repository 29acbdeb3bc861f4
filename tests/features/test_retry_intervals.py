"""Retries after an exception: a number, a list of intervals, or intervals that grow; every attempt is kept."""

from datetime import datetime
from typing import Any

from tests.features.conftest import Face


def pauses(record: dict[str, Any]) -> list[float]:
    """Seconds between the end of each attempt that failed and the beginning of the next."""
    ends = [datetime.fromisoformat(attempt["ended"]) for attempt in record["attempts"]]
    starts = [datetime.fromisoformat(attempt["started"]) for attempt in record["attempts"][1:]]
    starts.append(datetime.fromisoformat(record["started"]))
    return [(start - end).total_seconds() for end, start in zip(ends, starts, strict=True)]


def test_a_job_is_run_again_after_each_interval_and_keeps_every_attempt(face: Face) -> None:
    retry = {"max": 2, "intervals": [0.1, 0.4], "jitter": 0}
    ended = face.wait(face.submit("flaky", params={"times": 2}, retry=retry))
    assert (ended["status"], ended["result"], ended["retries"]) == ("complete", {"attempt": 3}, 2)
    first, second = pauses(ended)
    assert first >= 0.1
    assert second >= 0.4
    for number, attempt in enumerate(ended["attempts"], 1):
        assert (attempt["attempt"], attempt["outcome"], attempt["error"]["message"]) == (number, "exception", "not yet")
        assert attempt["worker"]


def test_a_backoff_is_a_short_way_to_write_intervals(face: Face) -> None:
    retry = {"max": 5, "backoff": {"first": 1, "factor": 2, "longest": 6}, "jitter": 0.2}
    job = face.submit("echo", queue="parked", retry=retry)
    assert job["retry"] == {"max": 5, "intervals": [1, 2, 4, 6], "jitter": 0.2}
    refused = face.http.post("/jobs", json={"operation": "echo", "retry": retry | {"intervals": [1]}})
    assert (refused.status_code, refused.json()["field"]) == (400, "retry.backoff")
    code, told = face.shell("submit", "flaky", "-p", "times=1", "--retry", 1, "--retry-backoff", "0.1,2", "--wait")
    assert (code, '"attempt": 2' in told) == (0, True)
    face.http.post(f"/jobs/{job['id']}/cancel")
