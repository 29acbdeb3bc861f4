"""The processes of one release, started as Kubernetes would: what dies is started again, on the same state folder.

Everything is killed by the pid under which it was started here, or by that of a descendant.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil

from lib.settings import Settings
from tests.chaos.ledger import OPERATIONS
from tests.waiting import until

ROOT = Path(__file__).parents[2]  # not resolved: in a scenario, the folder with the copies of lib and services
GUNICORN = ["-m", "gunicorn", "-c", "services/api/gunicorn.conf.py", "services.api.app:create_app()"]


def environment(settings: Settings, ledger: Path, **more: str) -> dict[str, str]:
    """Variables with which a process of this release starts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REDIS_", "WORKER_"))}
    fixed = {
        "REDIS_IP": settings.redis_ip,
        "REDIS_PORT": str(settings.redis_port),
        "KEY_PREFIX": settings.key_prefix,
        "LEASE_SECONDS": str(settings.lease_seconds),
        "UPKEEP_INTERVAL": str(settings.upkeep_interval),
        "IDLE_WAIT": str(settings.idle_wait),
        "QUEUES": ",".join(settings.queues),
        "OPERATIONS_DIR": str(OPERATIONS),
        "TRAFFICJOBS_LEDGER": str(ledger),
        "LOG_LEVEL": "info",
        "PYTHONPATH": ".",
    }
    return kept | fixed | more


class Program:
    """One process that is started again when it dies, unless it was told to stop.

    Args:
        name: for its log and for faults; the WORKER_NAME of a worker.
        arguments: after the interpreter's name.
        root: the folder it runs in, from which it imports lib and services.
    """

    def __init__(self, name: str, arguments: list[str], env: dict[str, str], folder: Path, root: Path = ROOT) -> None:
        self.name, self.arguments, self.env, self.root = name, arguments, env, root
        self.log = folder / f"{name}.log"
        self.wanted = False
        self.process: subprocess.Popen[bytes] | None = None
        self._family: list[psutil.Process] = []

    def start(self) -> None:
        """Start it, once its predecessor is gone."""
        if self.process is not None:
            self.process.wait(30)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.arguments], env=self.env, cwd=self.root, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.wanted = True

    def look(self) -> None:
        """Start it again if it died; called by the keeper."""
        if self.wanted and self.process is not None and self.process.poll() is not None and not self.remnants():
            self.start()

    @property
    def pid(self) -> int:
        """Of the process itself."""
        assert self.process is not None
        return self.process.pid

    def family(self) -> list[psutil.Process]:
        """Its living descendants, parents before children; a worker's first one is the nursery."""
        try:
            found = psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        self._family = list({process.pid: process for process in [*self._family, *found]}.values())
        return found

    def nursery(self) -> psutil.Process | None:
        """The nursery of a worker."""
        return next(iter(self._direct(psutil.Process(self.pid)) if self.alive else []), None)

    def children(self) -> list[psutil.Process]:
        """The children of a worker's nursery, or of any other program."""
        nursery = self.nursery()
        return self._direct(nursery) if nursery is not None else []

    @staticmethod
    def _direct(process: psutil.Process) -> list[psutil.Process]:
        try:
            return [child for child in process.children() if child.status() != psutil.STATUS_ZOMBIE]
        except psutil.NoSuchProcess:
            return []

    @property
    def alive(self) -> bool:
        """Whether the process itself runs."""
        return self.process is not None and self.process.poll() is None

    def remnants(self) -> list[psutil.Process]:
        """Processes of a dead program that are not gone yet."""
        self._family = [process for process in self._family if _lives(process)]
        return self._family

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal the process itself, remembering its family."""
        self.family()
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def stop(self, seconds: float = 20) -> int | None:
        """SIGTERM once it has a handler for it, wait, SIGKILL; its exit code."""
        if self.process is None:
            return None
        until(lambda: self.alive and _catches_sigterm(self.pid), 180, f"{self.name} that can be told to end")
        self.wanted = False
        self.family()
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            code: int | None = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        self.destroy()
        return code

    def destroy(self) -> None:
        """SIGKILL to it and its family, and wait until they are gone."""
        self.wanted = False
        if self.process is None:
            return
        self.kill()
        for process in self.remnants():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass
        self.process.wait(10)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _catches_sigterm(pid: int) -> bool:
    """Whether it has begun to handle SIGTERM; a program that still imports dies of it."""
    try:
        caught = Path(f"/proc/{pid}/status").read_text().partition("SigCgt:")[2].split()[0]
    except FileNotFoundError:
        return not Path("/proc/self").exists()  # no Linux: nobody knows
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def worker(name: str, settings: Settings, ledger: Path, folder: Path, root: Path = ROOT, **more: str) -> Program:
    """A worker with two children and a state folder of its own that outlives it."""
    own = {"WORKER_NAME": name, "WORKER_STATE_DIR": str(folder / f"{name}.state"), "WORKER_CHILDREN": "2", "WORKER_GRACE": "5"}
    return Program(name, ["-m", "services.worker"], environment(settings, ledger, **own | more), folder, root)


def upkeep(name: str, settings: Settings, ledger: Path, folder: Path, root: Path = ROOT) -> Program:
    """An upkeep process."""
    return Program(name, ["-m", "services.api.upkeep"], environment(settings, ledger), folder, root)


def api(settings: Settings, ledger: Path, folder: Path, port: int) -> Program:
    """The API under gunicorn on `port`."""
    return Program("api", GUNICORN, environment(settings, ledger, PORT=str(port), HOST="127.0.0.1"), folder)


def wait_for_api(program: Program, url: str) -> None:
    """Wait until the API answers; what it said at its end, if it does not."""

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/healthz", timeout=30).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        until(answers, 180, "an answer of the API")
    except AssertionError as error:
        raise RuntimeError(f"{error}:\n{program.log.read_text()[-2000:]}") from None


class Keeper:
    """Starts programs again when they die, until `close`; use as a context manager."""

    def __init__(self) -> None:
        self.programs: list[Program] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def add(self, program: Program) -> Program:
        """Start a program and keep it."""
        program.start()
        self.programs.append(program)
        return program

    def _keep(self) -> None:
        while not self._stop.wait(0.05):
            for program in list(self.programs):
                program.look()

    def close(self) -> None:
        """Let nothing come back, and kill what still runs."""
        self._stop.set()
        self._thread.join()
        for program in self.programs:
            program.destroy()

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def now() -> float:
    """The machine's clock, which Redis and the ledger tell as well."""
    return time.time()
