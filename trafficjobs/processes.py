"""Keeps a few programs running: starts them, starts them again when they die, and stops them in order.

The local launcher runs API, upkeep, worker and Redis with it. It has one thread and one loop, `run_until`, which sleeps
until a child ends, a signal comes or a moment is due. Each program leads a process group of its own, which is cleared
when the program ends; on Linux the kernel kills the programs when the launcher itself is killed.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

# Seconds before a dead program is started again: doubled at each death, forgotten after HEALTHY seconds of life.
FIRST_DELAY = 0.2
LAST_DELAY = 5.0
HEALTHY = 10.0
# Deaths in a row after which it is called a crash loop, and the lines of its log that are shown then.
CRASH_LOOP = 4
LOG_LINES = 15
# Seconds between two looks at a condition that nothing announces.
GLANCE = 0.05

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class StopRequested(Exception):
    """SIGINT, SIGTERM or SIGHUP came."""


@dataclass(frozen=True)
class Program:
    """What to run. Without `log` it writes where the launcher writes; `once` means that it may end."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    folder: Path
    log: Path | None = None
    grace: float = 5.0
    once: bool = False


class Process:
    """One program and its present incarnation."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.failures = 0
        self.due = 0.0
        self.exit_code: int | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    @property
    def pid(self) -> int | None:
        """Process id while it runs, or until its end was noticed."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start it, in a process group of its own and bound to the life of this process."""
        launcher = os.getpid()

        def bind_to_launcher() -> None:
            if _libc is not None:
                _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() != launcher:  # it died before the kernel was told
                    os._exit(1)

        output = self.program.log.open("ab") if self.program.log else None
        try:
            self._child = subprocess.Popen(
                self.program.command,
                cwd=self.program.folder,
                env=dict(self.program.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                process_group=0,
                preexec_fn=bind_to_launcher,  # safe: the launcher has one thread
            )
        finally:
            if output:
                output.close()
        self._started = time.monotonic()

    def ended(self) -> int | None:
        """The exit code (negative: the signal) if it has just ended, else None. Clears its process group."""
        if self._child is None or (code := self._child.poll()) is None:
            return None
        self.send(signal.SIGKILL, group=True)
        self._child = None
        self.exit_code = code
        lived = time.monotonic() - self._started
        self.failures = 1 if lived >= HEALTHY else self.failures + 1
        self.due = time.monotonic() + min(LAST_DELAY, FIRST_DELAY * 2 ** (self.failures - 1))
        return code

    def send(self, number: signal.Signals, group: bool = False) -> None:
        """Send a signal to the program, or to its whole group; gone is fine."""
        if self._child is not None:
            try:
                (os.killpg if group else os.kill)(self._child.pid, number)
            except (ProcessLookupError, PermissionError):  # macOS answers EPERM where all that is left is a zombie
                pass

    def log_tail(self) -> str:
        """The last lines it wrote."""
        try:
            text = self.program.log.read_text(errors="replace") if self.program.log else ""
        except OSError:
            text = ""
        return "\n".join(text.splitlines()[-LOG_LINES:])


class Supervisor:
    """Use with `with`: leaving the block stops every program, the last started first."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self.processes: dict[str, Process] = {}
        self._report = report
        self._requests = 0
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)

    def __enter__(self) -> Self:
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._request_stop)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self, program: Program) -> Process:
        """Start a program and keep it running from now on."""
        process = self.processes[program.name] = Process(program)
        process.start()
        return process

    def run_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Look after the programs until `condition` holds (True) or `timeout` seconds have passed (False).

        Raises:
            StopRequested: when a signal asks for the end.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._requests:
                raise StopRequested
            self._revive()
            if condition():
                return True
            if end is not None and time.monotonic() >= end:
                return False
            self._sleep(GLANCE if end is not None else LAST_DELAY)

    def run_forever(self) -> None:
        """Look after the programs until a signal asks for the end, which raises StopRequested."""
        self.run_until(lambda: False)

    def crash_loop(self) -> Process | None:
        """A program that died again and again right after its start."""
        return next((process for process in self.processes.values() if process.failures >= CRASH_LOOP), None)

    def stop(self) -> None:
        """SIGTERM one after another, the last started first; SIGKILL to the group of what outlives its grace.

        A further Ctrl-C meanwhile cuts all graces short.
        """
        self._requests = 0
        if self.processes:
            self._report(f"Stopping {', '.join(reversed(self.processes))}")
        for process in reversed(self.processes.values()):
            process.send(signal.SIGTERM)
            end = time.monotonic() + process.program.grace
            while process.pid and process.ended() is None:
                if time.monotonic() >= end or self._requests:
                    process.send(signal.SIGKILL, group=True)
                self._sleep(GLANCE)
        self.processes.clear()
        self._report("Stopped; nothing is left running")

    def _revive(self) -> None:
        for process in self.processes.values():
            code = process.ended()
            if code is not None and not process.program.once:
                self._report(f"{process.program.name} {_how_it_ended(code)}; it is started again")
                if process.failures == CRASH_LOOP:
                    self._report(f"{process.program.name} keeps dying. {process.program.log} ends with:\n{process.log_tail()}")
            if process.pid is None and not process.program.once and time.monotonic() >= process.due:
                process.start()

    def _sleep(self, seconds: float) -> None:
        due = [process.due - time.monotonic() for process in self.processes.values() if process.pid is None]
        select.select([self._wake_read], [], [], max(0.0, min([seconds, *(wait for wait in due if wait > 0)])))
        try:
            while os.read(self._wake_read, 512):
                pass
        except BlockingIOError:
            pass

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        self._requests += 1


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
