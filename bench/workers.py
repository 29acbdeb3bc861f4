"""The worker processes of one measurement: started as their users start them, frozen and let go together, killed at the end.

Freezing is what makes a drain fair: every worker is warm and waits while the jobs are queued, and all begin at once,
however long one takes to start.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from bench.environments import ROOT


class Workers:
    """The context manager starts the commands and at the end kills them with all their descendants.

    Args:
        python: the interpreter.
        environment: variables for all of them.
        commands: what to start, as `Command` has it.
        log: file that takes their output.
    """

    def __init__(self, python: str, environment: Mapping[str, str], commands: Sequence[dict[str, Any]], log: Path) -> None:
        self.python, self.environment, self.commands, self.log = python, environment, commands, log
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Workers":
        with self.log.open("ab") as log:
            for command in self.commands:
                self._started.append(
                    subprocess.Popen(
                        [self.python, *command["arguments"]],
                        cwd=ROOT,
                        env=os.environ | self.environment | command["environment"],
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
