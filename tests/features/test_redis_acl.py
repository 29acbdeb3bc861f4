"""The service signs in to Redis as a user that may touch its own keys alone, and nothing dangerous."""

import pytest
import redis

from tests.features.conftest import Managed
from tests.waiting import until


def test_a_user_of_few_rights_is_enough(managed: Managed) -> None:
    job = managed.http.post("/jobs", json={"operation": "echo", "params": {"value": 1}}).json()
    until(lambda: managed.http.get(f"/jobs/{job['id']}").json()["status"] == "complete", 30, "its end")
    url = f"rediss://{managed.user}:{managed.password}@localhost:{managed.tls_port}/0"
    with redis.Redis.from_url(url, ssl_ca_certs=str(managed.ca)) as client:
        for refused in (lambda: client.get("another program's"), client.flushall, lambda: client.config_get("*")):
            with pytest.raises(redis.exceptions.NoPermissionError):
                refused()
    assert not [entry for entry in managed.admin.acl_log() if entry["username"] == managed.user and entry["context"] == "lua"]
