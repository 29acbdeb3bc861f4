"""API, upkeep and worker speak TLS to Redis, and trust the authority that they were told."""

import pytest
import redis

from tests.features.conftest import Managed
from tests.waiting import until


def test_a_job_runs_over_tls_alone(managed: Managed) -> None:
    job = managed.http.post("/jobs", json={"operation": "echo", "params": {"value": "over TLS"}}).json()
    until(lambda: managed.http.get(f"/jobs/{job['id']}").json()["result"] == "over TLS", 30, "its result")
    login = {"username": managed.user, "password": managed.password}
    with redis.Redis(port=managed.tls_port, **login) as plain, pytest.raises(redis.ConnectionError):  # type: ignore[arg-type]
        plain.ping()
