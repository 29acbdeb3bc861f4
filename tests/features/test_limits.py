"""Concurrency keys, rates of operations, quotas of tokens."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import httpx

from tests.features.conftest import Face
from tests.service import serving
from tests.tokens import line
from tests.waiting import until


def test_jobs_of_one_concurrency_key_run_one_after_the_other(face: Face) -> None:
    path, open_gate = face.gate()
    jobs = [face.submit("gate", params={"path": path}, concurrency_key="road") for _ in range(3)]
    other = face.submit("gate", params={"path": path}, concurrency_key="street")
    face.wait(jobs[0], "in-progress")
    face.wait(other, "in-progress")
    until(lambda: face.http.get("/queues/job-queue").json()["limited"] == 2, 10, "two that are laid aside")
    open_gate()
    ended = [face.wait(job) for job in jobs]
    assert all(before["ended"] <= after["started"] for before, after in pairwise(ended))


def test_an_operations_rate_spreads_its_starts(face: Face) -> None:
    jobs = [face.submit("twice_in_two_seconds") for _ in range(3)]
    starts = sorted(datetime.fromisoformat(face.wait(job)["started"]) for job in jobs)
    assert (starts[2] - starts[0]).total_seconds() >= 2


def test_a_tokens_quota_is_a_429_that_says_when_to_come_back(face: Face, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(line("student", "submit", "secret", "pending=2", "per_minute=100"))
    with (
        serving(face.service.settings, tmp_path, **face.service.running, tokens_file=tmp_path / "tokens") as api,
        httpx.Client(base_url=api.url, headers={"Authorization": "Bearer secret"}, timeout=30) as http,
    ):
        body = {"operation": "echo", "queue": "parked"}
        first = http.post("/jobs", json=body).json()
        assert http.post("/jobs", json=body).status_code == 202
        refused = http.post("/jobs", json=body)
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/quota-exceeded")
        assert int(refused.headers["Retry-After"]) >= 1
        assert http.post(f"/jobs/{first['id']}/cancel").status_code == 200
        assert http.post("/jobs", json=body).status_code == 202
