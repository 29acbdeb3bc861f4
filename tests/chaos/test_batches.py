"""A batch whose API is killed while it turns it into jobs: upkeep goes on, and who sends it again doubles nothing."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from lib.jobs import Jobs
from lib.settings import Settings, load_settings
from tests.servers import Server
from tests.service import api, ready
from tests.waiting import until
from tests.workers import ROOT, environment

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
        upkeep = subprocess.Popen([sys.executable, "-m", "services.api.upkeep"], cwd=ROOT, env=environment(settings))
        try:
            until(lambda: jobs.batch("big").accepting == 0, 60, "all of its jobs")
        finally:
            upkeep.kill()
            upkeep.wait(10)
        assert jobs.queue("job-queue").depth == TOTAL
        _send_again(settings, tmp_path)
        assert (jobs.batch("big").total, jobs.queue("job-queue").depth) == (TOTAL, TOTAL)
        jobs.close()


def _kill_in_the_middle(settings: Settings, jobs: Jobs, folder: Path) -> None:
    """SIGKILL of every process of the API, once a part of the batch is there and before the rest is."""
    process, url = api(settings, folder)
    until(lambda: ready(url), 60, "the API")
    children = psutil.Process(process.pid).children(recursive=True)

    def send() -> None:
        with pytest.raises(httpx.TransportError):
            httpx.post(f"{url}/batches", json=BODY, timeout=60)

    sender = threading.Thread(target=send)
    sender.start()
    until(lambda: jobs.store.records.llen("batch.big.todo") in range(1, TOTAL // 500 - 1), 60, "the middle")
    for child in children:
        child.kill()
    process.kill()
    process.wait(10)
    sender.join(60)
    assert not sender.is_alive()


def _send_again(settings: Settings, folder: Path) -> None:
    process, url = api(settings, folder)
    try:
        until(lambda: ready(url), 60, "the API")
        answer = httpx.post(f"{url}/batches", json=BODY, timeout=60)
        assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (202, "true")
    finally:
        process.terminate()
        process.wait(20)
