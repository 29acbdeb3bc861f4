"""A real service for the command line and the client: gunicorn, upkeep and a worker on a real server, with a little data.

`service` is the usual one; `small` is a second copy of the API on the same Redis, whose queues take two jobs each.
`shell` runs a command line within this process, as a script would see it.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from lib.settings import load_settings
from tests.api.conftest import CSV
from tests.servers import Server, free_port
from tests.service import Service, serving, whole_service
from trafficjobs import Client
from trafficjobs.cli.app import run

# `parked` is a queue that no worker serves: what is put there waits.
PARKED = "parked"
OPERATIONS = '''
from lib.operations import log, operation, progress, save_file

@operation()
def divide(df, by: float) -> dict:
    """One by a number."""
    return {"quotient": 1 / by}

@operation()
def chatty(df, lines: int = 3) -> dict:
    """Writes lines, progress and a table."""
    for number in range(lines):
        log(f"line {number} \\x1b[31mred")
        progress(number + 1, lines, f"step {number}")
    save_file("table.csv", b"a,b\\n1,2\\n", "text/csv")
    return {"lines": lines}

@operation()
def together(df, names: list[str], flag: bool = False, share: float | None = None) -> dict:
    """Gives back what it was given."""
    return {"names": names, "flag": flag, "share": share}
'''


@dataclass
class Answer:
    """What a command left."""

    code: int
    bytes: bytes
    err: str

    @property
    def out(self) -> str:
        return self.bytes.decode()

    @property
    def json(self) -> Any:
        return orjson.loads(self.bytes)


@pytest.fixture(scope="session")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the service alone: it never rests, and other tests count the commands of theirs."""
    with Server(tmp_path_factory.mktemp("redis"), binary=os.environ.get("TRAFFICJOBS_SERVER")) as running:
        yield running


@pytest.fixture(scope="session")
def service(own_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, with the three incidents of the API's tests."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "operations").mkdir()
    (folder / "operations" / "mine.py").write_text(OPERATIONS)
    settings = load_settings(
        redis_ip="127.0.0.1",
        redis_port=own_server.port,
        key_prefix=f"cli{os.getpid()}:",
        data_cache=folder / "cache",
        worker_state_dir=folder / "worker",
        upkeep_interval=0.2,
        result_cache=False,
        log_level="warning",
        data_file=folder / "absent.csv",
    )
    mine = {"queues": PARKED, "worker_queues": settings.queue_name, "operations_dir": folder / "operations"}
    with whole_service(settings, folder, worker_children=2, **mine) as running:
        with Client(running.url) as client:
            client.load(io.BytesIO(CSV)).result(60)
        yield running


@pytest.fixture(scope="session")
def small(service: Service) -> Iterator[str]:
    """Address of a second copy of the API, whose queues take two jobs."""
    with serving(service.settings, service.folder, **service.running, queue_limit=2) as api:
        yield api.url


@pytest.fixture
def nowhere() -> str:
    """An address at which nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder without profiles, and an environment that names no service."""
    for name in ("TRAFFICJOBS_URL", "TRAFFICJOBS_TOKEN", "TRAFFICJOBS_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRAFFICJOBS_CONFIG", str(tmp_path / "config" / "profiles.json"))
    return tmp_path


@pytest.fixture
def client(service: Service, home: Path) -> Iterator[Client]:
    with Client(service.url) as made:
        yield made


Shell = Callable[..., Answer]


@pytest.fixture
def bare(home: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Runs a command line where no service is named. `stdin` is what is piped into it."""

    def call(*words: object, stdin: str = "") -> Answer:
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            patched.setattr(sys, "stderr", err)
            patched.setattr(sys, "stdin", io.StringIO(stdin))
            code = run([str(word) for word in words])
            out.flush()
            err.flush()
        told = err.buffer.getvalue().decode()  # type: ignore[attr-defined]
        assert "Traceback" not in told
        return Answer(code, out.buffer.getvalue(), told)  # type: ignore[attr-defined]

    return call


@pytest.fixture
def shell(bare: Shell, service: Service, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The same, where TRAFFICJOBS_URL names the service."""
    monkeypatch.setenv("TRAFFICJOBS_URL", service.url)
    return bare
