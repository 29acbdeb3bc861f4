"""What the features are tested on.

`face` is a whole service (API, upkeep, worker of four children, all real processes, one Redis of their own) seen through
HTTP, the public client, the command line and the library; it is started once a session and its operations stand in
`operations/`. `managed` is another one on a Redis as clouds sell it. `demo` is a running demonstration, as `make demo` starts it.
"""

import io
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import redis
import trustme

from lib.jobs import Jobs
from lib.settings import load_settings
from tests.receivers import SECRET
from tests.servers import Server, free_port
from tests.service import Service, whole_service
from tests.tls import TlsProxy
from tests.waiting import until
from tests.workers import ROOT
from trafficjobs import Client
from trafficjobs.cli.app import run

# What the first phase may take once the packages are there.
FIRST_PHASE_SECONDS = 60.0


class Demo:
    """A running demonstration, or what `make up` starts. `text` is what it has written so far.

    Args:
        what: demo or up.
        more: further variables of its environment.
    """

    def __init__(self, folder: Path, what: str = "demo", **more: str) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.data, self._out = folder / "data", folder / "out.txt"
        options = ["--port", port, "--redis-port", free_port(), "--run-dir", folder / "run", "--data-dir", self.data]
        command = [sys.executable, "-m", "trafficjobs.local", what, *map(str, options)]
        # no home and no settings of whoever runs the tests
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "nohome"),
            "HOST": "elsewhere",
            "REDIS_URL": "redis://elsewhere",
        } | more
        with self._out.open("wb") as out:
            self.process = psutil.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL)

    @property
    def text(self) -> str:
        return self._out.read_text()

    def wait_for(self, pattern: str, seconds: float) -> None:
        """Wait until the pattern stands in the output; fail with the output if it does not in time."""

        def stands() -> bool:
            assert self.process.is_running(), self.text
            return re.search(pattern, self.text, re.MULTILINE) is not None

        try:
            until(stands, seconds, pattern)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text}") from None

    def pid_of(self, program: str) -> int:
        found = re.search(rf"^  {program} +pid (\d+)", self.text, re.MULTILINE)
        assert found, self.text
        return int(found[1])


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demonstration whose first phase is over; its end is checked when the last test that uses it is done."""
    running = Demo(tmp_path_factory.mktemp("demo"))
    family: list[psutil.Process] = []
    try:
        running.wait_for("^All of this took", FIRST_PHASE_SECONDS)
        yield running
        family = running.process.children(recursive=True)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(timeout=30) == 0, running.text
        assert running.text.endswith("Stopped; nothing is left running\n"), running.text
        assert [process for process in family if process.is_running()] == []
    finally:
        for process in [running.process, *family]:
            if process.is_running():
                process.kill()


# Queues of the service beside its default one. `parked` is served by nobody: what is put there waits.
QUEUES = ["first", "second", "parked"]
ENDED = ("complete", "failed", "cancelled")


@dataclass
class Face:
    """The service as its users meet it.

    Args:
        http: an httpx client of its address.
        client: the public one.
        jobs: the library on its Redis.
        folder: of this test, for files that jobs wait for.
    """

    service: Service
    http: httpx.Client
    client: Client
    jobs: Jobs
    folder: Path
    gates: list[Path] = field(default_factory=list)

    def submit(self, operation: str, *, headers: dict[str, str] | None = None, params: Any = None, **more: Any) -> dict[str, Any]:
        """Submit a job through HTTP; its record. `more` are further fields of the body, such as `queue` or `retry`."""
        answer = self.http.post("/jobs", json={"operation": operation, "params": params or {}} | more, headers=headers)
        assert answer.status_code == 202, answer.text
        record: dict[str, Any] = answer.json()
        return record

    def get(self, job: dict[str, Any] | str) -> dict[str, Any]:
        """The record of a job as it is now."""
        answer = self.http.get(f"/jobs/{job if isinstance(job, str) else job['id']}")
        assert answer.status_code == 200, answer.text
        record: dict[str, Any] = answer.json()
        return record

    def wait(self, job: dict[str, Any] | str, *statuses: str, seconds: float = 30) -> dict[str, Any]:
        """The record once it is in one of these states; without any, once it has ended."""
        wanted = statuses or ENDED

        def look() -> dict[str, Any] | None:
            record = self.get(job)
            return record if record["status"] in wanted else None

        return until(look, seconds, f"{' or '.join(wanted)} of {job}")

    def gate(self) -> tuple[str, Callable[[], None]]:
        """A path that operations wait for, and what opens it."""
        path = self.folder / f"gate-{secrets.token_hex(4)}"
        self.gates.append(path)
        return str(path), path.touch

    def shell(self, *words: object) -> tuple[int, str]:
        """Run a command line as a script would; its exit code, and what it wrote to both streams."""
        out = io.TextIOWrapper(io.BytesIO(), "utf-8")
        with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(out):
            patched.setenv("TRAFFICJOBS_URL", self.service.url)
            patched.setattr(sys, "stdin", io.StringIO())
            patched.setenv("TRAFFICJOBS_CONFIG", str(self.folder / "profiles.json"))
            code = run([str(word) for word in words])
        out.flush()
        told = out.buffer.getvalue().decode()  # type: ignore[attr-defined]
        assert "Traceback" not in told, told
        return code, told


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service; `face` is how a test meets it."""
    folder = tmp_path_factory.mktemp("features")
    with Server(folder / "redis", binary=os.environ.get("TRAFFICJOBS_SERVER")) as server:
        settings = load_settings(
            redis_ip="127.0.0.1",
            redis_port=server.port,
            key_prefix="features:",
            lease_seconds=2.0,
            upkeep_interval=0.1,
            data_cache=folder / "cache",
            worker_state_dir=folder / "worker",
            data_file=folder / "absent.csv",
            log_level="warning",
        )
        served = [settings.queue_name, *QUEUES[:2]]
        operations = Path(__file__).parent / "operations"
        more = {"queues": ",".join(QUEUES), "worker_queues": ",".join(served), "operations_dir": operations}
        more |= {"webhook_secret": SECRET, "webhook_allow": "127.0.0.1/32"}
        more |= {"smtp_host": "127.0.0.1", "smtp_port": free_port(), "smtp_tls": "off", "smtp_from": "jobs@example.org"}
        with whole_service(settings, folder, worker_children=4, **more) as running:
            yield running


@pytest.fixture(scope="session")
def session_face(whole: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    """One connection of each kind for the whole session."""
    jobs = Jobs(whole.settings.model_copy(update={"queues": QUEUES}))
    with httpx.Client(base_url=whole.url, timeout=30) as http, Client(whole.url) as client:
        yield Face(whole, http, client, jobs, tmp_path_factory.mktemp("gates"))
    jobs.close()


@pytest.fixture
def face(session_face: Face) -> Iterator[Face]:
    """The service. At the end of a test gates that it has left closed are opened, and jobs that it has left waiting cancelled."""
    yield session_face
    session_face.http.post("/queues/parked/purge", json={"scheduled": True}).raise_for_status()
    while session_face.gates:
        session_face.gates.pop().touch()


@dataclass
class Managed:
    """A service whose Redis is as a cloud sells it: behind one `rediss://` URL, with a user of few rights and one database.

    Args:
        tls_port: where Redis speaks TLS; `ca` is whom to trust.
        admin: a connection of the database's owner, who may do more than the service.
    """

    http: httpx.Client
    user: str
    password: str
    tls_port: int
    ca: Path
    admin: redis.Redis


@pytest.fixture(scope="session")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    """That service, with a prefix outside of which its user may touch nothing."""
    folder = tmp_path_factory.mktemp("managed")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca := folder / "ca.crt")
    with Server(folder / "redis", binary=os.environ.get("TRAFFICJOBS_SERVER")) as server, redis.Redis(port=server.port) as admin:
        user, password = "app", secrets.token_hex(8)
        rights = f"on >{password} ~managed:* ~hotqueue:managed:* &* +@all -@dangerous -select +info".split()
        admin.execute_command("ACL", "SETUSER", user, *rights)
        admin.execute_command("ACL", "SETUSER", "default", "resetpass", ">owner")
        proxy = TlsProxy(authority, server.port)
        settings = load_settings(key_prefix="managed:", data_cache=folder / "cache", log_level="warning")
        url = f"rediss://{user}:{password}@localhost:{proxy.port}/0"
        operations = Path(__file__).parent / "operations"
        more = {"redis_url": url, "redis_ca_file": ca, "redis_db": 0, "queue_db": 0, "operations_dir": operations}
        with (
            whole_service(settings, folder, worker_children=1, **more) as running,
            httpx.Client(base_url=running.url, timeout=30) as http,
        ):
            yield Managed(http, user, password, proxy.port, ca, admin)
        proxy.listener.close()
