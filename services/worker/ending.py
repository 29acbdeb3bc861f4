"""How a supervisor ends runs: at their timeout, at the end of its own grace, and by order. Part of `Supervisor`.

A child is stopped, its mark read, and killed only if it still runs the job that must end; else it goes on.
"""

import logging
import os
import signal
import time
from collections import deque
from dataclasses import dataclass

from services.worker.marks import Mark, Marks
from services.worker.orders import Order, Verdict
from services.worker.processes import ProcessHandle

logger = logging.getLogger("trafficjobs.worker")

ORDER_LIFE = 2.0  # seconds for which an order waits for its job to be marked
LATE = 2.0  # seconds after a child's death, or the order to fork one, in which the nursery must have told of it
_SILENT = 10.0  # seconds after which a nursery that was told to fork is taken for dead: all its children end with it


@dataclass
class ChildProcess:
    """A child as its supervisor knows it."""

    name: str
    slot: int
    born: float
    process: ProcessHandle | None = None
    verdict: Verdict | None = None
    told: bool = False  # to leave after its job
    gone_since: float | None = None  # its exit was seen, and the nursery has not told of it


class Ending:
    """The side of the supervisor that ends runs."""

    marks: Marks
    children: dict[str, ChildProcess]
    orders: deque[Order]
    _kill_at: float
    _nursery: int | None
    _looked = float("inf")
    _killed: int | None = None  # the last nursery that was killed, which may take a moment to go

    def running(self) -> list[Mark]:
        """Marks of the jobs that run now."""
        marks = [self.marks.read(child.slot) for child in list(self.children.values())]
        return [mark for mark in marks if mark is not None and mark.token]

    def order(self, token: str, verdict: Verdict, spares_results: bool = False) -> None:
        """End the run of `token`, wherever it is; with `spares_results` not if it is over and waits to say its result."""
        self.orders.append(Order(token, verdict, time.monotonic() + ORDER_LIFE, spares_results))

    def _watch_deadlines(self) -> None:
        now = time.monotonic()
        for mark in self.running():
            if now >= mark.deadline:
                limit = mark.deadline - mark.started
                message = f"The run took longer than its timeout of {limit:g} s and was stopped."
                error = {"type": "JobTimeout", "message": message, "reason": "timeout"}
                self.order(mark.token, Verdict("failed", "timeout", error), spares_results=True)
            elif now >= self._kill_at:
                self.order(mark.token, Verdict("released", "worker stopped"))
        if now >= self._kill_at + 1.0:  # children that neither run a job nor end
            for child in self.children.values():
                if child.process is not None:
                    child.process.signal(signal.SIGKILL)
                else:
                    self._kill_nursery(f"has not forked {child.name}")

    def silence(self, seconds: float) -> str:
        """What the nursery (frozen, or hung) has not told for so long; "" where there is nothing."""
        now = time.monotonic()
        for child in list(self.children.values()):
            if child.process is None and now - child.born > seconds:
                return f"has not forked {child.name}"
            if child.gone_since is not None and now - child.gone_since > LATE:
                return f"does not tell of the death of {child.name}"
        return ""

    def _watch_nursery(self) -> None:
        """A nursery that does not tell of deaths or does not fork is killed; the next one starts at once."""
        now = time.monotonic()
        stood_still, self._looked = now - self._looked > LATE, now
        for child in self.children.values():
            if stood_still and child.process is None:  # this process was frozen, and the nursery maybe with it
                child.born = now
            if child.process is not None and child.process.exited():
                child.gone_since = now if stood_still else child.gone_since or now
        if silence := self.silence(_SILENT):
            self._kill_nursery(silence)

    def _kill_nursery(self, why: str) -> None:
        if self._nursery is not None:
            if self._killed != self._nursery:
                logger.error("the nursery %s; it is killed", why)
            self._killed = self._nursery
            os.kill(self._nursery, signal.SIGKILL)

    def _carry_out(self) -> None:
        """Kill for every order whose job is marked; keep the others until they are too old."""
        for _ in range(len(self.orders)):
            order = self.orders.popleft()
            done = any(self._kill(child, order) for child in list(self.children.values()))
            if not done and time.monotonic() < order.until:
                self.orders.append(order)

    def _kill(self, child: ChildProcess, order: Order) -> bool:
        """Stop the child, look whether it still runs the job of the order, and kill it only then."""
        if child.process is None or not order.meets(self.marks.read(child.slot)):
            return False
        if child.verdict is not None:
            return True
        if child.process.stop() and order.meets(self.marks.read(child.slot)):
            child.verdict = order.verdict
            child.process.signal(signal.SIGKILL)
            return True
        child.process.signal(signal.SIGCONT)
        return False
