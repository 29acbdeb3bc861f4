"""The supervisor, PID 1 of the worker: keeps children running, ends those that must end, and reports those that died.

The main thread owns the processes; others talk to Redis (`links.py`). It imports no pandas and runs no job, so it
renews leases however busy its children are. To kill a child for a job it stops it, reads its mark and kills it only if
that job is still running there.
"""

import logging
import os
import secrets
import select
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lib.hidden import hidden
from lib.parents import LINUX
from lib.settings import Settings
from services.worker.channel import Receiver, Sender
from services.worker.ending import LATE, ChildProcess, Ending
from services.worker.marks import Mark, Marks
from services.worker.orders import Order, Report, Verdict
from services.worker.processes import ProcessHandle, adopt_orphans, cause_of, evidence, oom_kills, proportional_bytes, reap

logger = logging.getLogger("trafficjobs.worker")

_TICK = 0.05  # seconds between two looks at deadlines and orders
# Threads of BLAS, or of Arrow's allocators, would make forks of the nursery unsafe.
ONE_THREAD = {
    **{"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    **{"ARROW_DEFAULT_MEMORY_POOL": "system", "JE_ARROW_MALLOC_CONF": "background_thread:false"},
}
_LONGEST_PAUSE = 5.0  # seconds before a child or nursery that dies at once is started again


def _pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(_LONGEST_PAUSE, 0.1 * 2.0 ** min(failures, 10))


class Supervisor(Ending):
    """The processes of one worker.

    Args:
        settings: of the worker.
        name: unique among all workers, ever.
        marks: the locked marks file; it has more slots than there are children, so that a mark stands until it is reported.
    """

    def __init__(self, settings: Settings, name: str, marks: Marks) -> None:
        self.settings, self.name, self.marks = settings, name, marks
        self.children: dict[str, ChildProcess] = {}
        self.reports: deque[Report] = deque()
        self.orders: deque[Order] = deque()
        self.operations: list[str] = []
        self.operations_broken: dict[str, str] = {}
        self.deaths: Counter[str] = Counter()  # of children that died unasked, by cause
        self.restarts = 0
        self.stopping = self.draining = False
        self._steered = 0.0
        self._slots = deque(range(marks.slots))
        self._nursery: int | None = None
        self._ready = False
        self._commands: Sender | None = None
        self._messages: Receiver | None = None
        self._next_nursery = self._next_fork = 0.0
        self._nursery_failures = self._quick_deaths = self._unforked_rounds = 0
        self._oom_kills = oom_kills()
        self._kill_at = float("inf")

    # What the other threads ask

    def steer(self, order: str, at: float) -> None:
        """Take no more jobs (drain), or go on (resume); what was ordered last, by Redis's time `at`, counts."""
        if at > self._steered:
            self._steered, self.draining = at, order == "drain"
            logger.info("draining; running jobs go on" if self.draining else "taking jobs again")

    def memory_bytes(self) -> int | None:
        """Memory of all its processes, what they share counted once; None where the system does not tell."""
        processes = [child.process.pid for child in list(self.children.values()) if child.process is not None]
        return proportional_bytes([os.getpid(), *([self._nursery] if self._nursery else []), *processes])

    @property
    def healthy(self) -> bool:
        """Whether jobs can be run."""
        return self._ready and not self.stopping and not self.silence(LATE)

    def free(self, slot: int) -> None:
        """A report was told: its slot may be used again."""
        self.marks.clear(slot)
        self._slots.append(slot)

    # The main loop

    def run(self, asked: Sequence[int] = ()) -> None:
        """Until SIGTERM and the end of every child. A second SIGTERM ends running jobs at once.

        Args:
            asked: signals that came before this was called, by the handler that is replaced here.
        """
        adopt_orphans()
        wake_read, wake_write = os.pipe()
        for end in (wake_read, wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())
        if asked:
            self._stop()
        while not (self.stopping and not self.children):
            self._keep_nursery()
            self._keep_children()
            self._send_home()
            watched = [wake_read] + ([self._messages.fd] if self._messages else [])
            select.select(watched, [], [], _TICK)
            try:
                os.read(wake_read, 4096)
            except BlockingIOError:
                pass
            self._hear_nursery()
            self._reap_own()
            self._watch_nursery()
            self._watch_deadlines()
            self._carry_out()
        self._end_nursery()

    def _stop(self) -> None:
        if self.stopping:
            self._kill_at = min(self._kill_at, time.monotonic())
            return
        self.stopping = True
        self._kill_at = time.monotonic() + self.settings.worker_grace
        logger.info("stopping; running jobs have %.0f s to end", self.settings.worker_grace)
        for child in self.children.values():
            if child.process is not None:
                child.process.signal(signal.SIGTERM)

    # The nursery

    def _keep_nursery(self) -> None:
        if self._nursery is not None or self.stopping or time.monotonic() < self._next_nursery:
            return
        command_read, command_write = os.pipe()
        report_read, report_write = os.pipe()
        for end in (command_read, report_write):
            os.set_inheritable(end, True)
        arguments = [sys.executable, "-m", "services.worker.nursery", str(os.getpid()), str(command_read), str(report_write)]
        environment = os.environ | ONE_THREAD
        try:
            self._nursery = os.posix_spawn(sys.executable, [*arguments, str(self.marks.path)], environment)
        except OSError as error:  # no room for another process
            self._nursery_failures += 1
            self._next_nursery = time.monotonic() + _pause(self._nursery_failures)
            logger.error("the nursery could not be started: %s", error)
            os.close(command_write)
            os.close(report_read)
            return
        finally:
            os.close(command_read)
            os.close(report_write)
        self._commands, self._messages, self._ready = Sender(command_write), Receiver(report_read), False
        self._commands.send(secrets=hidden())  # they are not in its environment, which others can see

    def _end_nursery(self) -> None:
        if self._commands is not None:
            self._commands.close()
            self._commands = None
        give_up = time.monotonic() + 2.0
        while self._nursery is not None and time.monotonic() < give_up:
            self._reap_own()
            time.sleep(0.01)

    def _nursery_died(self) -> None:
        """Its children die with it, by the kernel's hand; what is left after a moment, by ours."""
        assert self._messages is not None
        self._hear(self._messages.receive())
        self._nursery_failures = 0 if self._ready else self._nursery_failures + 1
        pause = _pause(self._nursery_failures)
        if not self.stopping:
            logger.error("the nursery died; the next one starts in %.1f s", pause)
            self.restarts += 1
        self._nursery, self._ready, self._next_nursery = None, False, time.monotonic() + pause
        self._messages.close()
        self._messages = None
        if self._commands is not None:
            self._commands.close()
            self._commands = None
        for child in list(self.children.values()):
            signalled = child.process is not None and child.process.signal(signal.SIGKILL)
            # Never forked, or gone already and the nursery died before it told: nobody else will tell of its exit.
            if not signalled or not LINUX:
                self._bury(child, None, 0)

    # Children

    def _keep_children(self) -> None:
        if not self._ready or self.stopping or self.draining or time.monotonic() < self._next_fork or self._commands is None:
            return
        while len(self.children) < self.settings.worker_children and self._slots:
            slot = self._slots.popleft()
            name = f"{self.name}/{slot}-{secrets.token_hex(8)}"
            self.children[name] = ChildProcess(name, slot, time.monotonic())
            self._commands.send(slot=slot, child=name)

    def _send_home(self) -> None:
        """Let the children of a worker that is drained end their jobs and leave; each is told once."""
        for child in self.children.values() if self.draining and not self.stopping else ():
            if child.process is not None and not child.told:
                child.told = child.process.signal(signal.SIGTERM)

    def _hear_nursery(self) -> None:
        if self._messages is not None:
            self._hear(self._messages.receive())

    def _hear(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            if message["event"] == "ready":
                self._ready, self._nursery_failures = True, 0
                self.operations, self.operations_broken = message["operations"], message["broken"]
                for file, problem in self.operations_broken.items():
                    logger.error("operations of %s cannot be used: %s", file, problem)
                if message["threads"] != 1:
                    logger.warning("the nursery has %d threads; a forked child could hang", message["threads"])
            elif message["event"] == "forked":
                child = self.children.get(message["child"])
                self._unforked_rounds = 0
                if child is not None:
                    child.process = ProcessHandle(message["pid"])
                    if self.stopping:
                        child.process.signal(signal.SIGTERM)
            elif message["event"] == "unforked" and message["child"] in self.children:
                self._unforked(self.children.pop(message["child"]), message["reason"])
            elif message["event"] == "exit":
                self._exited(message["pid"], message["status"], message["peak_kib"])

    def _unforked(self, child: ChildProcess, reason: str) -> None:
        """There was no room for another process; those that are there run on."""
        self.free(child.slot)
        now = time.monotonic()
        if now < self._next_fork:  # said already, of another one that was asked for with it
            return
        self._unforked_rounds += 1
        self._next_fork = now + _pause(self._unforked_rounds)
        logger.error("no child could be forked (%s); tried again in %.1f s", reason, self._next_fork - now)

    def _reap_own(self) -> None:
        """The nursery, and the orphans that come to PID 1 (or a subreaper) when it dies."""
        while (gone := reap()) is not None:
            pid, status, usage = gone
            if pid == self._nursery:
                self._nursery_died()
            else:
                self._exited(pid, status, usage.ru_maxrss)

    def _exited(self, pid: int, status: int, peak_kib: int) -> None:
        for child in list(self.children.values()):
            if child.process is not None and child.process.pid == pid:
                self._bury(child, status, peak_kib)

    def _bury(self, child: ChildProcess, status: int | None, peak_kib: int) -> None:
        """Take a dead child out and hand its report to the reporting thread."""
        del self.children[child.name]
        if child.process is not None:
            child.process.close()
        mark = self.marks.read(child.slot)
        mark = mark if mark is not None and mark.child == child.name else Mark(child.name, 0)
        token, limit = mark.token, mark.memory_limit
        before, self._oom_kills = self._oom_kills, oom_kills()
        found = evidence(status, peak_kib, self._oom_kills > before, self.name, limit)
        verdict = child.verdict or Verdict("crash", "crash", found)
        clean = status is not None and os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
        if not clean and child.verdict is None:
            self.deaths[cause_of(found)] += 1
            about = {"job": mark.job, "operation": mark.operation} if mark.token else None
            logger.error("child %s died: %s", child.name, verdict.detail.get("summary", verdict.reason), extra=about)
        quick = not clean and not token and time.monotonic() - child.born < 1.0
        self._quick_deaths = self._quick_deaths + 1 if quick else 0
        if self._quick_deaths > 2:
            self._next_fork = time.monotonic() + _pause(self._quick_deaths)
        if verdict.kind == "released":  # whoever finds the mark when this worker ends without having told must not charge for it
            self.marks.write(child.slot, replace(mark, released=verdict.reason))
        self.reports.append(Report(child.slot, child.name, token, verdict))
