"""A managed Redis is one URL and has one database: REDIS_URL, and both numbers 0."""

from tests.features.conftest import Managed
from tests.waiting import until


def test_everything_lies_in_the_one_database(managed: Managed) -> None:
    job = managed.http.post("/jobs", json={"operation": "echo", "params": {"value": 2}}).json()
    until(lambda: managed.http.get(f"/jobs/{job['id']}").json()["status"] == "complete", 30, "its end")
    assert list(managed.admin.info("keyspace")) == ["db0"]
    keys = {key.decode() for key in managed.admin.scan_iter()}
    assert f"managed:job.{job['id']}" in keys
    assert {key for key in keys if not key.startswith(("managed:", "hotqueue:managed:"))} == set()
