"""The one way to start a worker in a test: the real program, as a process, on a test's settings."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from lib.settings import Settings

ROOT = Path(__file__).parents[1]


def environment(settings: Settings, **more: object) -> dict[str, str]:
    """The environment in which a program of ours has these settings."""
    names = (
        "redis_ip",
        "redis_port",
        "key_prefix",
        "lease_seconds",
        "upkeep_interval",
        "worker_state_dir",
        "data_cache",
        "result_cache",
        "log_level",
    )
    values = {name.upper(): getattr(settings, name) for name in names} | {name.upper(): value for name, value in more.items()}
    return os.environ | {name: str(value) for name, value in values.items() if value is not None}


class Worker:
    """One worker process. The context manager starts it and at the end kills what is left of it.

    Args:
        settings: of the test.
        log: file to which it says what it says; by default it says it where the test's own process does.
        more: further settings, such as `worker_children=2`.
    """

    def __init__(self, settings: Settings, log: Any = None, **more: object) -> None:
        self.log = log
        self.environment = environment(settings, **{"worker_children": 1} | more)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the supervisor."""
        assert self._process is not None
        return self._process.pid

    @property
    def nursery(self) -> psutil.Process | None:
        """The nursery, once it is there."""
        return next(iter(psutil.Process(self.pid).children()), None)

    @property
    def children(self) -> list[psutil.Process]:
        """The children that run jobs."""
        return self.nursery.children() if self.nursery else []

    def start(self) -> None:
        """Start the supervisor."""
        command = [sys.executable, "-m", "services.worker"]
        if self.log is None:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self.environment)
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def stop(self, number: signal.Signals = signal.SIGTERM, wait: float = 20) -> int:
        """Send a signal and wait for the end; the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(wait)

    def kill_all(self) -> None:
        """SIGKILL every process of the worker at once."""
        for process in [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):  # children end with the parent that was killed before them
                process.kill()
        assert self._process is not None
        self._process.wait(20)

    def __enter__(self) -> "Worker":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill_all()


def handles_sigterm(pid: int) -> bool:
    """Whether a process has a handler of its own for it."""
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
