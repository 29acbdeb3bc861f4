"""The one way to start a whole service in a test: gunicorn, upkeep and a worker, as processes, on a test's server.

`whole_service` starts all of it and at the end leaves nothing running; `api` starts a gunicorn alone.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lib.settings import Settings
from tests.servers import free_port
from tests.waiting import until
from tests.workers import ROOT, Worker, environment


@dataclass
class Service:
    """A running service: its address, settings and folder. `running` are the settings with which its programs were started."""

    url: str
    settings: Settings
    folder: Path
    running: dict[str, Any]

    def worker(self, **more: Any) -> Worker:
        """A further worker of it, not yet started."""
        return Worker(self.settings, **self.running | {"worker_state_dir": None} | more)


def api(settings: Settings, folder: Path, **more: object) -> tuple[subprocess.Popen[bytes], str]:
    """A gunicorn of one process on a port of its own; its address. What it says goes to `folder`."""
    port = free_port()
    env = environment(settings, port=port, **{"api_workers": 1} | more)
    env["DATA_FILE"] = str(settings.data_file)
    command = [sys.executable, "-m", "gunicorn", "-c", "services/api/gunicorn.conf.py", "services.api.app:create_app()"]
    with (folder / f"api-{port}.log").open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log), f"http://127.0.0.1:{port}"


def ready(url: str) -> bool:
    """Whether the API there answers and has its Redis."""
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def whole_service(settings: Settings, folder: Path, token: Any = None, **more: Any) -> Iterator[Service]:
    """A service whose API answers and whose worker has registered its operations.

    Args:
        token: to look with whether it is up, where callers must sign in.
        more: further settings of all its programs, such as `queues="parked"` or `operations_dir=...`.
    """
    processes = []
    try:
        process, url = api(settings, folder, **more)
        processes.append(process)
        with (folder / "upkeep.log").open("wb") as log:
            command = [sys.executable, "-m", "services.api.upkeep"]
            env = environment(settings, **more)
            processes.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log))
        with Worker(settings, log=folder / "worker.log", **more):
            until(lambda: ready(url), 60, f"the service; see {folder}")
            until(lambda: _works(url, token), 60, "its worker")
            yield Service(url, settings, folder, more)
    finally:
        for each in processes:
            each.terminate()
        for each in processes:
            each.wait(20)


def _works(url: str, token: str | None) -> bool:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    found = httpx.get(f"{url}/workers", headers=headers, timeout=30).json()["workers"]
    return any(worker["operations"] for worker in found)
