"""An Idempotency-Key stands for one job, and an ended job is kept for as long as it was told."""

import secrets

from tests.features.conftest import Face
from tests.waiting import until


def test_the_same_idempotency_key_is_the_same_job(face: Face) -> None:
    key = {"Idempotency-Key": secrets.token_hex(8)}
    first = face.submit("echo", params={"value": 1}, headers=key)
    again = face.http.post("/jobs", json={"operation": "echo", "params": {"value": 1}}, headers=key)
    assert (again.status_code, again.json()["id"], again.headers["Idempotent-Replayed"]) == (202, first["id"], "true")
    other = face.http.post("/jobs", json={"operation": "echo", "params": {"value": 2}}, headers=key)
    assert other.status_code == 409


def test_a_job_is_gone_when_its_result_ttl_is_over(face: Face) -> None:
    brief = face.submit("echo", result_ttl=1)
    kept = face.wait(face.submit("echo", result_ttl=600))
    until(lambda: face.http.get(f"/jobs/{brief['id']}").status_code == 410, 20, "the expiry of the job")
    assert face.http.get(f"/jobs/{brief['id']}/results").json()["type"] == "/problems/job-expired"
    assert face.get(kept)["status"] == "complete"
