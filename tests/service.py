"""The one way to start a service in a test: gunicorn, upkeep and a worker, as processes, on a test's server.

`whole_service` starts all of it and `serving` an API alone; at the end they leave nothing running. `api` and `upkeep` only start
a process, for tests that kill it or want to see how it fails.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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


@dataclass(frozen=True)
class Api:
    """A gunicorn that was started: its process, its address, and the file to which it says what it says."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """SIGTERM, if it still runs, and wait for the end."""
        end(self.process)


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, if it still runs, and wait for the end."""
    process.terminate()
    process.wait(20)


def api(settings: Settings, folder: Path, app: str = "services.api.app:create_app()", **more: object) -> Api:
    """Start a gunicorn of one process on a port of its own; it does not answer yet.

    Args:
        folder: for its log.
        app: another application than the usual one.
        more: further settings.
    """
    port = free_port()
    env = environment(settings, port=port, **{"api_workers": 1, "data_file": settings.data_file} | more)
    command = [sys.executable, "-m", "gunicorn", "-c", "services/api/gunicorn.conf.py", app]
    path = folder / f"api-{port}.log"
    with path.open("wb") as log:
        return Api(subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log), port, path)


@contextmanager
def serving(settings: Settings, folder: Path, **more: Any) -> Iterator[Api]:
    """An API that answers during the block; the arguments are those of `api`."""
    made = api(settings, folder, **more)
    try:
        until(lambda: ready(made.url), 60, f"the API; see {made.log}")
        yield made
    finally:
        made.stop()


def ready(url: str) -> bool:
    """Whether the API there answers and has its Redis."""
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def upkeep(settings: Settings, log: Path | None = None, **more: object) -> subprocess.Popen[bytes]:
    """Start an upkeep.

    Args:
        log: file to which it says what it says; by default it says it where the test's own process does.
        more: further settings.
    """
    command = [sys.executable, "-m", "services.api.upkeep"]
    env = environment(settings, **more)
    if log is None:
        return subprocess.Popen(command, cwd=ROOT, env=env)
    with log.open("wb") as file:
        return subprocess.Popen(command, cwd=ROOT, env=env, stdout=file, stderr=file)


@contextmanager
def whole_service(settings: Settings, folder: Path, token: Any = None, **more: Any) -> Iterator[Service]:
    """A service whose API answers and whose worker has registered its operations.

    Args:
        token: to look with whether it is up, where callers must sign in.
        more: further settings of all its programs, such as `queues="parked"` or `operations_dir=...`.
    """
    with ExitStack() as at_the_end:
        front = api(settings, folder, **more)
        at_the_end.callback(front.stop)
        at_the_end.callback(end, upkeep(settings, folder / "upkeep.log", **more))
        at_the_end.enter_context(Worker(settings, log=folder / "worker.log", **more))
        until(lambda: ready(front.url), 60, f"the service; see {folder}")
        until(lambda: _works(front.url, token), 60, "its worker")
        yield Service(front.url, settings, folder, more)


def _works(url: str, token: str | None) -> bool:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    found = httpx.get(f"{url}/workers", headers=headers, timeout=30).json()["workers"]
    return any(worker["operations"] for worker in found)
