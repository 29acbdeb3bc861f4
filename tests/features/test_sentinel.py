"""Redis Sentinel: the service goes on with the new master, and has every job that had reached the replica."""

import os
from pathlib import Path

import httpx
import pytest

from lib.settings import load_settings
from tests.groups import sentinel_group
from tests.service import whole_service
from tests.waiting import until

OPERATIONS = Path(__file__).parent / "operations"


@pytest.mark.slow
def test_a_killed_master_costs_no_job_that_had_reached_the_replica(tmp_path: Path) -> None:
    settings = load_settings(
        data_cache=tmp_path / "cache", worker_state_dir=tmp_path / "worker", lease_seconds=2.0, upkeep_interval=0.1
    )
    with sentinel_group(tmp_path, os.environ.get("TRAFFICJOBS_SERVER")) as group:
        more = {"redis_sentinels": group.addresses, "operations_dir": OPERATIONS, "redis_port": 1, "log_level": "warning"}
        with whole_service(settings, tmp_path, **more) as service, httpx.Client(base_url=service.url, timeout=10) as http:

            def submit(operation: str, **params: object) -> str:
                answer = http.post("/jobs", json={"operation": operation, "params": params})
                return answer.json()["id"] if answer.status_code == 202 else ""

            def status(job: str) -> str:
                return str(http.get(f"/jobs/{job}").json().get("status"))

            running = submit("gate", path=str(tmp_path / "gate"))
            until(lambda: status(running) == "in-progress", 10, "the start of the first job")
            waiting = [submit("echo", value=n) for n in range(20)]
            group.replicated()
            group.master.kill()
            first = http.post("/jobs", json={"operation": "echo"})  # waits a little for a master, which may have come by then
            if first.status_code == 202:
                waiting.append(first.json()["id"])
            else:
                assert (first.status_code, first.json()["type"]) == (503, "/problems/store-unavailable")
            later = until(lambda: submit("echo"), 20, "a master that takes jobs")
            assert group.master_port() == group.replica.port
            (tmp_path / "gate").touch()
            for job in [running, *waiting, later]:
                until(lambda job=job: status(job) == "complete", 30, f"the end of {job}")  # type: ignore[misc]
            ran = http.get(f"/jobs/{running}").json()
            assert (ran["attempt"], ran["result"]) == (1, {"opened": True})  # it ran on meanwhile
