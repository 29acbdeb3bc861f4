"""A small release for tests of single faults: a server, upkeep, and workers that serve only the first queue.

Everything that is killed comes back. A test asks for its own jobs only, so that one fleet serves many tests.
"""

import itertools
import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from lib.jobs import Job, Jobs, Submission
from lib.settings import load_settings
from lib.store import Store
from tests.chaos import system
from tests.chaos.checker import check_job
from tests.chaos.evidence import Evidence, Fault, Violation, cases
from tests.chaos.history import Event, History, Remains
from tests.chaos.ledger import Ledger, Run
from tests.servers import Server
from tests.waiting import until

LEASE = 2.0  # seconds
CHILDREN = 2  # of each worker
_numbers = itertools.count(1)


class Fleet:
    """Use as a context manager.

    Args:
        folder: for everything it writes.
        workers: how many.
        lease: seconds.
    """

    def __init__(self, folder: Path, workers: int = 2, lease: float = LEASE) -> None:
        self.folder = folder
        self.server = Server(folder / "redis", os.environ.get("TRAFFICJOBS_SERVER"))
        self.settings = load_settings(
            redis_ip="127.0.0.1",
            redis_port=self.server.port,
            key_prefix="fleet:",
            lease_seconds=lease,
            upkeep_interval=0.1,
            idle_wait=1.0,
            queues=["aside"],
        )
        self.ledger = Ledger(folder / "ledger")
        self.faults: list[Fault] = []
        self._size = workers
        self._stack = ExitStack()

    def __enter__(self) -> "Fleet":
        ledger = self.ledger.path
        self._stack.enter_context(self.server)
        keeper = self._stack.enter_context(system.Keeper())
        served = {"WORKER_QUEUES": self.settings.queue_name, "WORKER_GRACE": "1", "WORKER_CHILDREN": str(CHILDREN)}
        self.workers = [
            keeper.add(system.worker(f"worker-{n}", self.settings, ledger, self.folder, system.ROOT, **served))
            for n in range(self._size)
        ]
        self.upkeep = keeper.add(system.upkeep("upkeep", self.settings, ledger, self.folder))
        self.jobs = Jobs(self.settings, store=Store(self.settings, patience=20.0))
        self.history = History(self.settings)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.history.end()
        self._stack.close()

    def ready(self) -> None:
        """Wait until every worker runs and all children stand idle."""
        for worker in self.workers:
            if not worker.wanted:
                worker.start()
        wanted = self._size * CHILDREN
        until(lambda: sum(len(worker.children()) for worker in self.workers) == wanted, 30, "all children of the fleet")
        until(lambda: self.jobs.queue(self.settings.queue_name).idle_children == wanted, 30, f"{wanted} idle children")

    def gate(self) -> Path:
        """The path of a file that is not there yet; `ledger_gate` runs until it is."""
        return self.folder / f"gate-{next(_numbers)}"

    def submit(self, operation: str, queue: str | None = None, **params: Any) -> str:
        """A job of the default options; its id."""
        return self.jobs.submit(Submission(operation, params, id=f"f{next(_numbers)}"), queue=queue).id

    def started(self, jid: str, number: int = 1, seconds: float = 60) -> Run:
        """Wait until the job's run of that number has started."""
        found = until(lambda: self.ledger.started(jid, number), seconds, f"run {number} of {jid}")
        assert found is not None
        return found

    def ended(self, jid: str, seconds: float = 60) -> Job:
        """Wait until the job has ended."""
        until(lambda: self.jobs.get(jid).status in ("complete", "failed", "cancelled"), seconds, f"the end of {jid}")
        return self.jobs.get(jid)

    def event(self, jid: str, reason: str, seconds: float) -> Event:
        """Wait for an event of the job with that reason."""
        return until(
            lambda: next((e for e in list(self.history.events) if e.job == jid and e.reason == reason), None),
            seconds,
            f"{reason} of {jid}",
        )  # type: ignore[return-value]

    def worker_of(self, run: Run) -> system.Program:
        """The worker in which a run is."""
        return next(worker for worker in self.workers if worker.name == run.worker)

    def fault(self, kind: str, worker: str = "") -> Fault:
        """Note what the test is about to do; set its `end` when it is over."""
        self.faults.append(Fault(kind, worker, system.now()))
        return self.faults[-1]

    def violations(self, jids: Iterable[str]) -> list[Violation]:
        """What the checker says of these jobs, once each of them has ended."""
        wanted = set(jids)
        for jid in wanted:
            self.ended(jid)
        last: Any = self.jobs.store.records.xrevrange(f"{self.settings.key_prefix}events", count=1)[0][0]
        until(lambda: self.history.read_to(last), 10, "the last event")
        remains = Remains(self.settings, events=[event for event in self.history.events if event.job in wanted])
        for jid in wanted:
            raw = self.jobs.store.records.hgetall(f"{self.settings.key_prefix}job.{jid}")
            remains.records[jid] = {key.decode(): value.decode("utf-8", "replace") for key, value in raw.items()}
        runs = {jid: runs for jid, runs in self.ledger.runs().items() if jid in wanted}
        operations = {jid: remains.records[jid]["operation"] for jid in wanted}
        evidence = Evidence(remains, runs, operations, self.faults)
        return [violation for case in cases(evidence) for violation in check_job(case, evidence)]


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
