"""Redis Cluster: the whole life of jobs, schedules and data in one slot, also when that moves to another node."""

import os
from pathlib import Path

import httpx
import pytest

from lib.settings import load_settings
from tests.api.conftest import CSV
from tests.groups import cluster
from tests.service import whole_service
from tests.waiting import until

OPERATIONS = Path(__file__).parent / "operations"
TAG = "{tj}"


@pytest.mark.slow
def test_a_cluster_serves_everything_from_one_slot_and_may_move_it(tmp_path: Path) -> None:
    settings = load_settings(
        **{"data_cache": tmp_path / "cache", "worker_state_dir": tmp_path / "worker", "key_prefix": f"{TAG}:"},
        **{"lease_seconds": 2.0, "upkeep_interval": 0.1},
    )
    with cluster(tmp_path, TAG, os.environ.get("TRAFFICJOBS_SERVER")) as group:
        more = {"redis_cluster": group.addresses, "queue_db": 0, "operations_dir": OPERATIONS, "redis_port": 1}
        with whole_service(settings, tmp_path, **more) as service, httpx.Client(base_url=service.url, timeout=10) as http:

            def submit(operation: str, **body: object) -> str:
                answer = http.post("/jobs", json={"operation": operation} | body)
                return answer.json()["id"] if answer.status_code == 202 else ""

            def wait(job: str, status: str = "complete") -> None:
                until(lambda: http.get(f"/jobs/{job}").json().get("status") == status, 20, f"{status} of {job}")

            wait(http.post("/data", content=CSV).json()["id"])
            wait(submit("unique_issues"))
            wait(submit("flaky", params={"times": 1}, retry={"max": 1}))
            http.post("/queues/job-queue/pause")
            paused = submit("echo")
            http.post("/queues/job-queue/resume")
            wait(paused)
            cancelled = submit("gate", params={"path": str(tmp_path / "never")})
            wait(cancelled, "in-progress")
            http.post(f"/jobs/{cancelled}/cancel")
            wait(cancelled, "cancelled")
            made = http.post("/schedules", json={"id": "often", "job": {"operation": "echo"}, "every": 1})
            assert made.status_code == 201, made.text
            until(lambda: http.get("/schedules/often").json()["fired"] >= 1, 10, "a firing")

            group.fail_over()
            after = until(lambda: submit("echo"), 10, "a job on the other node")
            wait(after)
            fired = http.get("/schedules/often").json()["fired"]
            until(lambda: http.get("/schedules/often").json()["fired"] > fired, 10, "a firing on the other node")
            assert http.delete(f"/jobs/{after}").status_code == 204
