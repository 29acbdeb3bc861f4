"""The worker processes of one measurement: started as their users start them, frozen and let go together, killed at the end.

Freezing is what makes a drain fair: every worker is warm and waits while the jobs are queued, and all begin at once,
however long one takes to start.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import psutil

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Command:
    """One program to start, from the repository's root: arguments after the interpreter, and environment variables."""

    arguments: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)


class Workers:
    """The context manager starts the commands and at the end kills them with all their descendants.

    Args:
        commands: what to start.
        log: file that takes their output.
    """

    def __init__(self, commands: Sequence[Command], log: Path) -> None:
        self.commands, self.log = commands, log
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Workers":
        with self.log.open("ab") as log:
            for command in self.commands:
                self._started.append(
                    subprocess.Popen(
                        [sys.executable, *command.arguments],
                        cwd=ROOT,
                        env=os.environ | {"PYTHONPATH": str(ROOT)} | command.environment,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                    )
                )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        processes = self._all()
        for process in processes:
            _signal(process, signal.SIGKILL)
        for started in self._started:
            started.wait()
        psutil.wait_procs(processes, timeout=5)

    def check(self) -> None:
        """Raises RuntimeError with the end of their output where one has ended by itself."""
        if any(started.poll() is not None for started in self._started):
            raise RuntimeError(f"a worker ended by itself:\n{self.log.read_text(errors='replace')[-2_000:]}")

    def freeze(self) -> None:
        """Stop every process and wait until none runs."""
        processes = self._all()
        for process in processes:
            _signal(process, signal.SIGSTOP)
        give_up = time.monotonic() + 5
        while any(_runs(process) for process in processes) and time.monotonic() < give_up:
            time.sleep(0.002)

    def thaw(self) -> float:
        """Let every process go on; the monotonic time just before the first one could."""
        processes = self._all()
        began = time.monotonic()
        for process in reversed(processes):  # those that run jobs first, their parents last
            _signal(process, signal.SIGCONT)
        return began

    def _all(self) -> list[psutil.Process]:
        """Every process, parents before their children."""
        found: list[psutil.Process] = []
        for started in self._started:
            try:
                process = psutil.Process(started.pid)
                found += [process, *process.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
        return found


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        pass


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
