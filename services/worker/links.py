"""The supervisor's threads that talk to Redis: the beat, the control stream, and the reports of dead children; and one
that ends operations with external effects when their lease does.

Each goes on for ever and survives any outage. They touch no process: they ask the supervisor's main thread to.
"""

import logging
import os
import socket
import threading
import time
from typing import Any

import redis

from lib.connections import connect
from lib.errors import JobsError
from lib.jobs import Jobs
from lib.records import RECORD_VERSION
from lib.store import Store
from services.worker.marks import dead_predecessors
from services.worker.orders import Verdict
from services.worker.processes import evidence
from services.worker.supervisor import Supervisor
from trafficjobs import __version__

logger = logging.getLogger("trafficjobs.worker")

_REPORT_PATIENCE = 1.0  # seconds a report is tried before the thread looks whether it shall end
_EFFECTS_PAUSE = 0.1  # seconds between two looks whether a lease has ended
_LOOK_AT = 500  # jobs laid aside that a worker looks at once a lease: each may be one of its own operations
_BLOCK = 5  # seconds the control stream is waited for at once
_RELEASED = {"CANCEL": "cancelled", "LOST": "lease lost"}


class Links:
    """Starts and ends the threads.

    Args:
        supervisor: whose processes they serve.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.settings = supervisor.settings
        self.last_beat = float("-inf")
        self._registered: list[str] = []
        self._registered_at = float("-inf")
        self._end = threading.Event()
        self._told = threading.Lock()
        self._threads = [
            threading.Thread(target=self._forever, args=(work,), name=name, daemon=True)
            for name, work in (
                ("beat", self._beat),
                ("control", self._control),
                ("effects", self._effects),
                ("reports", self._report),
            )
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, patience: float) -> bool:
        """Tell what is left to tell and take the worker off the list, for at most `patience` seconds; whether all was told."""
        self._end.set()
        self._threads[-1].join(2 * _REPORT_PATIENCE)  # it tells what it has begun, unless Redis hangs
        self._threads[0].join(_REPORT_PATIENCE)  # a beat that came after the leave would bring the worker back
        jobs = Jobs(self.settings, store=Store(self.settings, patience=patience))
        try:
            self._tell_reports(jobs)
            jobs.leave(self.supervisor.name)
            return True
        except JobsError as error:
            logger.error("not everything could be reported before the end: %s", error)
            return False
        finally:
            jobs.close()

    def _forever(self, work: Any) -> None:
        """Run one thread's work again and again, whatever it raises."""
        while not self._end.is_set():
            jobs = Jobs(self.settings, store=Store(self.settings, patience=_REPORT_PATIENCE))
            try:
                work(jobs)
            except (JobsError, redis.RedisError, OSError) as error:
                logger.debug("%s: %s", threading.current_thread().name, error)
            except Exception:
                logger.exception("%s failed; it starts again", threading.current_thread().name)
            finally:
                jobs.close()
            self._end.wait(0.2)

    # The beat

    def _beat(self, jobs: Jobs) -> None:
        """Renew every lease, register what this worker runs, and repeat orders, three times a lease."""
        away = False
        while not self._end.is_set():
            started = time.monotonic()  # before the look: what is marked after it is not renewed by this beat
            running = self.supervisor.running()
            try:
                held = [(mark.job, mark.token) for mark in running]
                order, codes = jobs.beat(self.supervisor.name, self._info(), held, self.supervisor.restarts)
            except JobsError as error:
                if not away:
                    logger.warning("the leases cannot be renewed: %s", error)
                away = True
                self._end.wait(min(1.0, self.settings.lease_seconds / 10))
                continue
            if away:
                logger.info("the leases are renewed again")
            away = False
            self.last_beat = started
            if order is not None:
                self.supervisor.steer(*order)
            for mark, code in zip(running, codes, strict=True):
                if code in _RELEASED:
                    self.supervisor.order(mark.token, Verdict("released", _RELEASED[code]))
            self._register(jobs)
            self._end.wait(0.1 if not self._registered else self.settings.lease_seconds / 3)

    def _register(self, jobs: Jobs) -> None:
        """Take back what was laid aside for want of our operations: all of it once, then what others lay aside, once a lease."""
        now, operations = time.monotonic(), self.supervisor.operations
        if operations != self._registered:
            jobs.register(self.settings.served_queues, RECORD_VERSION, operations)
        elif operations and now - self._registered_at >= self.settings.lease_seconds:
            jobs.register(self.settings.served_queues, RECORD_VERSION, operations, _LOOK_AT)
        else:
            return
        self._registered, self._registered_at = operations, now

    def _info(self) -> dict[str, Any]:
        supervisor = self.supervisor
        return {
            "kind": "worker",
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "queues": self.settings.served_queues,
            "operations": supervisor.operations,
            "operations_broken": [{"file": file, "reason": reason} for file, reason in supervisor.operations_broken.items()],
            "children": self.settings.worker_children,
            "version": __version__,
            "memory_bytes": supervisor.memory_bytes(),
            "deaths": supervisor.deaths.total(),
            "restarts": supervisor.restarts,
            "stopping": supervisor.stopping,
            "draining": supervisor.draining,
        }

    # Effects

    def _effects(self, _jobs: Jobs) -> None:
        """Operations that change the world outside must not outlive their lease; all others run on, fenced.

        In a thread of its own: a beat to a Redis that hangs waits longer than the lease may have left.
        """
        while not self._end.wait(_EFFECTS_PAUSE):
            now = time.monotonic()
            for mark in self.supervisor.running():
                if mark.external_effects and now - max(self.last_beat, mark.started) >= self.settings.lease_seconds:
                    self.supervisor.order(mark.token, Verdict("released", "lease unsure"), spares_results=True)

    # The control stream

    def _control(self, _jobs: Jobs) -> None:
        """Orders for this worker and its children, as soon as they are given."""
        key = f"{self.settings.key_prefix}control.{self.supervisor.name}"
        last = "0"
        with connect(self.settings, self.settings.redis_db, socket_timeout=_BLOCK + self.settings.redis_timeout) as client:
            while not self._end.is_set():
                for _, entries in client.xread({key: last}, block=1000 * _BLOCK) or []:
                    for entry, fields in entries:
                        last = entry
                        if fields[b"order"] == b"cancel":
                            self.supervisor.order(fields[b"token"].decode(), Verdict("released", "cancelled"))
                        else:
                            self.supervisor.steer(fields[b"order"].decode(), float(fields[b"at"]))

    # Reports of the dead

    def _report(self, jobs: Jobs) -> None:
        self._tell_predecessors(jobs)
        while not self._end.wait(0.02):
            self._tell_reports(jobs)

    def _tell_reports(self, jobs: Jobs) -> None:
        """Tell what stands in the supervisor's queue, in order; each is removed once it was told.

        At the end of a worker whose Redis hangs two threads may tell the same one, which Redis hears once.
        """
        reports = self.supervisor.reports
        while True:
            with self._told:
                report = reports[0] if reports else None
            if report is None:
                return
            verdict = report.verdict
            freed = jobs.bury(report.child, report.token, verdict.kind, verdict.reason, verdict.detail)
            with self._told:
                if not reports or reports[0] is not report:
                    continue
                reports.popleft()
            self.supervisor.free(report.slot)
            if freed is not None:
                logger.info(
                    "job %s of %s is now %s (%s)", freed[0], report.child, freed[1], verdict.reason, extra={"job": freed[0]}
                )

    def _tell_predecessors(self, jobs: Jobs) -> None:
        """Report what supervisors that were killed left in this folder: their jobs need not wait for the lease."""
        for marks in dead_predecessors(self.supervisor.marks.path.parent):
            left = [mark for slot in range(marks.slots) if (mark := marks.read(slot)) is not None]
            for mark in left:
                verdict = Verdict("crash", "crash", evidence(None, 0, False, mark.child.rpartition("/")[0]))
                if mark.released:
                    verdict = Verdict("released", mark.released)
                jobs.bury(mark.child, mark.token, verdict.kind, verdict.reason, verdict.detail)
            marks.remove()
            logger.warning("reported %d children of a worker that was killed", len(left))
