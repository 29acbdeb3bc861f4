"""A batch whose API is killed while it turns it into jobs: upkeep goes on, and who sends it again doubles nothing."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from lib.jobs import Jobs
from lib.settings import Settings, load_settings
from tests.servers import Server
from tests.service import serving, upkeep
from tests.waiting import until

TOTAL = 10_000
BODY: dict[str, Any] = {
    "id": "big",
    "jobs": [{"id": f"n{n}", "operation": "print", "params": {"msg": str(n)}} for n in range(TOTAL)],
}


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_batch_whose_api_is_killed_in_the_middle_becomes_whole(tmp_path: Path) -> None:
    with Server(tmp_path / "server") as server:
        settings = load_settings(redis_ip="127.0.0.1", redis_port=server.port, upkeep_interval=0.05)
        jobs = Jobs(settings)
        _kill_in_the_middle(settings, jobs, tmp_path)
        before = jobs.batch("big")
        assert (before.total, 0 < before.accepting < TOTAL // 500) == (TOTAL, True)
        assert jobs.queue("job-queue").depth == TOTAL - 500 * before.accepting
        running = upkeep(settings)
        try:
            until(lambda: jobs.batch("big").accepting == 0, 60, "all of its jobs")
        finally:
            running.kill()
            running.wait(10)
        assert jobs.queue("job-queue").depth == TOTAL
        _send_again(settings, tmp_path)
        assert (jobs.batch("big").total, jobs.queue("job-queue").depth) == (TOTAL, TOTAL)
        jobs.close()


def _kill_in_the_middle(settings: Settings, jobs: Jobs, folder: Path) -> None:
    """SIGKILL of every process of the API, once a part of the batch is there and before the rest is."""
    with serving(settings, folder) as api, ThreadPoolExecutor(1) as threads:
        children = psutil.Process(api.process.pid).children(recursive=True)
        sent = threads.submit(httpx.post, f"{api.url}/batches", json=BODY, timeout=60)
        until(lambda: jobs.store.records.llen("batch.big.todo") in range(1, TOTAL // 500 - 1), 60, "the middle")
        for child in children:
            child.kill()
        api.process.kill()
        api.process.wait(10)
        with pytest.raises(httpx.TransportError):
            sent.result(60)


def _send_again(settings: Settings, folder: Path) -> None:
    with serving(settings, folder) as api:
        answer = httpx.post(f"{api.url}/batches", json=BODY, timeout=60)
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (202, "true")
