"""An Idempotency-Key stands for one job."""

import secrets

from tests.features.conftest import Face


def test_the_same_idempotency_key_is_the_same_job(face: Face) -> None:
    key = {"Idempotency-Key": secrets.token_hex(8)}
    first = face.submit("echo", params={"value": 1}, headers=key)
    again = face.http.post("/jobs", json={"operation": "echo", "params": {"value": 1}}, headers=key)
    assert (again.status_code, again.json()["id"], again.headers["Idempotent-Replayed"]) == (202, first["id"], "true")
    other = face.http.post("/jobs", json={"operation": "echo", "params": {"value": 2}}, headers=key)
    assert other.status_code == 409
