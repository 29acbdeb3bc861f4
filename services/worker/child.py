"""A child: claims a job, marks it as started, runs it, finishes it and claims the next in one round trip.

Forked by the nursery; connects afterwards. While Redis is away it runs on, also where the operation logs, and waits to say its
result, which is fenced by the claim's token; only an operation that saves a file, or asks for data or parents, waits itself. It
leaves after a number of jobs, above a memory limit, or when it is told to stop.
"""

import logging
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType

import orjson
import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from lib import logs, tracing
from lib.connections import connect
from lib.dataset import Dataset
from lib.errors import JobsError, StaleClaim
from lib.jobs import FOREVER, ChildClosed, Claim, Jobs, Outcome
from lib.memory import data_bytes
from lib.operations import Catalog
from lib.origin import trace_id
from lib.settings import Settings
from lib.store import Store
from lib.versions import DatasetStore
from services.worker.marks import Mark, Marks
from services.worker.processes import resident_bytes
from services.worker.run import SetAside, allowed_bytes, run_job

logger = logging.getLogger("trafficjobs.worker")


class _Stop(BaseException):
    """Told to stop while it waited."""


class Child:
    """One incarnation: a name that is never used again.

    Args:
        name: of this incarnation; begins with the worker's name and a `/`.
        slot: of the marks file.
    """

    def __init__(self, name: str, slot: int, marks: Marks, settings: Settings, catalog: Catalog) -> None:
        self.name, self.slot, self.marks, self.settings, self.catalog = name, slot, marks, settings, catalog
        self.worker = name.rpartition("/")[0]
        self.queues = settings.served_queues
        self.jobs = Jobs(settings, catalog, store=Store(settings, patience=FOREVER, blocking=settings.idle_wait))
        # Everything the data store does may be repeated, so redis-py may do it.
        patient = Retry(ExponentialBackoff(cap=1.0, base=0.02), 100_000)
        versions = DatasetStore(connect(settings, settings.redis_db, retry=patient), settings)
        self.dataset = Dataset(versions, settings.data_cache, settings)
        self.stopping = False
        self.waiting = False
        self.ran = 0
        self.began_with = data_bytes()
        # The last run reached its memory limit, or meddled with our signals: what it has left half done, nobody knows.
        self.exhausted = False

    def on_sigterm(self, _number: int, _frame: FrameType | None) -> None:
        """Stop after the current job; at once if there is none."""
        self.stopping = True
        if self.waiting:
            raise _Stop

    def listen(self) -> bool:
        """Hear the word to stop; False where a run had taken care that it was not heard, so that one may be lost."""
        before = signal.signal(signal.SIGTERM, self.on_sigterm)
        blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # as the nursery has: one may have come already
        return before == self.on_sigterm and signal.SIGTERM not in blocked

    def main(self) -> None:
        """Claim and run until told to stop or worn out."""
        self.unmark()
        claim: Claim | None = None
        while not (self.stopping and claim is None):
            if claim is None:
                claim = self.claim_or_wait()
                continue
            with logs.about(job=claim.id, attempt=claim.attempt, operation=claim.operation, **claim.origin.logged()):
                if self.stopping:  # claimed just before the word came
                    self.finish(claim, Outcome("released", "worker stopped"))
                    return
                claim = self.step(claim)
            if claim is None and self.worn_out():
                return

    def claim_or_wait(self) -> Claim | None:
        """The next job; None after a wait.

        The word to stop ends both at once, since Redis may be away for good. A job that Redis has given out already goes
        back uncharged, by the report of this child's end.
        """
        try:
            self.waiting = True
            if self.stopping:
                return None
            claim = self.jobs.claim(self.name, self.worker, self.queues)
            if claim is None:
                self.jobs.wait_for_bell(self.name)
            return claim
        except (redis.ConnectionError, redis.TimeoutError, OSError):
            time.sleep(random.uniform(0.05, 0.2))
            return None
        finally:
            self.waiting = False

    def step(self, claim: Claim) -> Claim | None:
        """Run one job to its outcome, say it, and claim the next one."""
        self.mark(claim)
        try:
            outcome = self.run(claim)
        except SetAside:
            self.mark_end()
            self.jobs.set_aside(claim)
            self.unmark()
            return None
        self.ran += 1
        self.exhausted = outcome.reason == "memory" or not self.listen()
        if self.stopping or self.worn_out():
            self.finish(claim, outcome)
            return None
        counted, following = self.jobs.turn(claim, outcome, self.name, self.worker, self.queues)
        if not counted:
            logger.warning("the result of job %s came too late and was dropped", claim.id)
        if following is None:
            self.unmark()
        return following

    def run(self, claim: Claim) -> Outcome:
        """Run one job within a span, where tracing is on. Raises SetAside."""
        about: tracing.Attributes = {
            "messaging.system": "trafficjobs",
            "messaging.operation.type": "process",
            "messaging.destination.name": claim.queue,
            "messaging.message.id": claim.id,
            "trafficjobs.operation": claim.operation,
            "trafficjobs.attempt": claim.attempt,
        }
        with tracing.span(f"run {claim.operation}", "consumer", claim.origin.traceparent, about) as span:
            with logs.about(trace_id=trace_id(span.traceparent)):
                outcome = run_job(claim, self.jobs, self.catalog, self.dataset, self.mark_end)
            span.set({"trafficjobs.outcome": outcome.kind})
            if outcome.error:
                error = orjson.loads(outcome.error)
                span.fail(error["type"], error["message"])
        return replace(outcome, traceparent=span.traceparent or "")

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """Say an outcome without claiming more."""
        try:
            self.jobs.finish(claim, outcome)
        except StaleClaim as error:
            logger.warning("%s", error)
        self.unmark()

    def worn_out(self) -> bool:
        """Whether a fresh process should take over, as one that keeps much of what its jobs have allocated."""
        limit = self.settings.memory_limit
        return (
            self.exhausted
            or self.ran >= self.settings.child_max_jobs
            or (limit > 0 and data_bytes() > self.began_with + limit // 4)
            or (self.ran % 16 == 15 and resident_bytes() > self.settings.child_max_bytes)
        )

    def mark(self, claim: Claim) -> None:
        """Say which job is running, before it is."""
        operation = self.catalog.get(claim.operation) if claim.operation in self.catalog else None
        now = time.monotonic()
        external = operation is not None and operation.external_effects
        limit = allowed_bytes(operation, self.settings) if operation is not None else 0
        run = (claim.token, claim.id, claim.operation, now, now + claim.timeout, external, limit)
        self.marks.write(self.slot, Mark(self.name, os.getpid(), *run))

    def mark_end(self) -> None:
        """Say that the run is over: to tell its result may take longer than its timeout or its lease."""
        self.marks.end(self.slot)

    def unmark(self) -> None:
        """Say that no job is running."""
        self.marks.write(self.slot, Mark(self.name, os.getpid()))


def main(name: str, slot: int, marks_path: Path, settings: Settings, catalog: Catalog) -> int:
    """Run a child in this freshly forked process; the exit code."""
    random.seed()
    child = Child(name, slot, Marks(marks_path), settings, catalog)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child.listen()
    tracing.begin("worker")
    try:
        child.main()
    except (_Stop, ChildClosed):
        return 0
    except JobsError as error:
        logger.error("the child ends: %s", error)
        return 1
    finally:
        tracing.end()
    return 0
