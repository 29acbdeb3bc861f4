"""A process that takes jobs in the course's way, without a supervisor: what stands behind `HotQueue.get` and
`update_job_status`.

Each thread holds at most one job, under a lease that a background thread renews. A killed consumer loses nothing: its
lease ends and upkeep gives the job to another one. A clean exit ends what was taken; after an uncaught exception it is
handed back.
"""

import atexit
import logging
import os
import secrets
import socket
import sys
import threading
import time

import redis

from lib.claims import Claim, Outcome, complete, failed, new_token, released
from lib.engine import Jobs
from lib.errors import JobsError, StaleClaim, StoreUnavailable
from lib.fingerprints import fingerprint, raised
from lib.foreign import MESSAGE
from lib.records import RECORD_VERSION

logger = logging.getLogger("trafficjobs.consumer")


class Consumer:
    """Holds and renews the claims of one process.

    Args:
        jobs: the queue; its store must allow blocking for `idle_wait`.
        queues: the queues it takes from.
    """

    def __init__(self, jobs: Jobs, queues: list[str]) -> None:
        self.jobs = jobs
        self.queues = queues
        self._lock = threading.Lock()
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        atexit.register(self.close)

    def _reset(self) -> None:
        self.name = f"consumer-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._lock = threading.Lock()
        self._held: dict[str, Claim] = {}
        self._said: dict[str, Outcome] = {}  # by token: ends that Redis may not have heard
        self._lost = set[str]()  # tokens of those that another worker has now
        self._mine = threading.local()
        self._renewal: threading.Thread | None = None
        self._closed = threading.Event()

    def next(self, block: bool, timeout: float | None) -> Claim | None:
        """End what this thread took before and take the next; wait for it if `block`, at most `timeout` seconds if given.

        Raises: StoreUnavailable where Redis is away, and that is so when the wait is over.
        """
        self._start_renewal()
        child = self._child()
        give_up = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            try:
                self.acknowledge()
                claim = self.jobs.claim(child, self.name, self.queues, messages=True, token=self._token())
                if claim is not None:
                    self._keep(claim)
                    return claim
                if not block or time.monotonic() >= give_up:
                    return None
                self.jobs.wait_for_bell(child, give_up - time.monotonic())
            except (StoreUnavailable, redis.ConnectionError, redis.TimeoutError) as error:
                left = give_up - time.monotonic()
                if not block or left <= 0:
                    raise StoreUnavailable(str(error)) from error
                logger.warning("Redis is away, trying again: %s", error)
                time.sleep(min(0.5, left))

    def take(self, jid: str) -> Claim | None:
        """Claim one waiting job by its id, beside what the thread holds."""
        self._start_renewal()
        claim = self.jobs.take(jid, f"{self.name}-{secrets.token_hex(8)}", self.name)
        if claim is not None:
            with self._lock:
                self._held[claim.id] = claim
        return claim

    def held(self, jid: str) -> Claim | None:
        """The claim under which this process holds a job."""
        return self._held.get(jid)

    def end(self, claim: Claim, outcome: Outcome) -> None:
        """End a claim. Raises StaleClaim where the job went on without it; StoreUnavailable, and then the claim is still held
        and renewed, and may be ended again."""
        with self._lock:
            self._said[claim.token] = outcome
        try:
            self.jobs.finish(claim, outcome)
        except StaleClaim:
            self._forget(claim)
            raise
        self._forget(claim)

    def _forget(self, claim: Claim) -> None:
        with self._lock:
            self._said.pop(claim.token, None)
            if self._held.get(claim.id) is claim:
                del self._held[claim.id]

    def acknowledge(self) -> None:
        """End what this thread took last, if it still holds it: as was said, or complete. Raises StoreUnavailable."""
        claim: Claim | None = getattr(self._mine, "claim", None)
        if claim is not None and self._held.get(claim.id) is claim:
            try:
                self.end(claim, self._said.get(claim.token) or complete(b"null"))
            except StaleClaim as error:
                logger.warning("%s", error)
        self._mine.claim = None

    def fail(self, error: Exception) -> None:
        """End what this thread took last with the exception that its run raised; while Redis is away, at the next `next`."""
        claim: Claim | None = getattr(self._mine, "claim", None)
        if claim is None or self._held.get(claim.id) is not claim:
            return
        said = raised(error) | {"reason": "exception", "fingerprint": fingerprint(claim.operation, error)}
        with self._lock:
            self._said.setdefault(claim.token, failed(said))  # the error may be that Redis did not hear of an end
        try:
            self.acknowledge()
        except StoreUnavailable as away:
            logger.warning("Redis is away; that job %s failed is said when it is back: %s", claim.id, away)

    def _keep(self, claim: Claim) -> None:
        self._mine.claim = claim
        self._mine.token = None
        with self._lock:
            self._held[claim.id] = claim

    def _token(self) -> str:
        """Of this thread's next claim, until it hears of one: Redis may have given out a job before it was away."""
        if getattr(self._mine, "token", None) is None:
            self._mine.token = new_token()
        return str(self._mine.token)

    def _child(self) -> str:
        if not hasattr(self._mine, "child"):
            self._mine.child = f"{self.name}-{secrets.token_hex(8)}"
        return str(self._mine.child)

    def _start_renewal(self) -> None:
        with self._lock:
            if self._renewal is None:
                self._renewal = threading.Thread(target=self._renew, name="lease-renewal", daemon=True)
                self._renewal.start()

    def _renew(self) -> None:
        info = {"kind": "consumer", "pid": os.getpid(), "queues": self.queues, "operations": [MESSAGE]}
        while not self._closed.is_set():
            with self._lock:
                claims = [claim for claim in self._held.values() if claim.token not in self._lost]
            try:
                self.jobs.register(self.queues, RECORD_VERSION, [MESSAGE])
                _, codes = self.jobs.beat(self.name, info, [(claim.id, claim.token) for claim in claims])
                pause = self.jobs.settings.lease_seconds / 3
            except (JobsError, redis.RedisError, OSError) as error:
                logger.warning("The leases could not be renewed: %s", error)
                codes = []
                pause = min(1.0, self.jobs.settings.lease_seconds / 10)
            for claim, code in zip(claims, codes, strict=False):
                if code == "LOST":
                    self._lost.add(claim.token)
                    logger.warning("Job %s was given to another worker; what this one writes is dropped.", claim.id)
            self._closed.wait(pause)

    def close(self) -> None:
        """End what is held: complete, or handed back where the program ends by an uncaught exception. Called at exit."""
        atexit.unregister(self.close)
        self._closed.set()
        crashed = getattr(sys, "last_value", None) is not None
        with self._lock:
            claims, self._held = list(self._held.values()), {}
        try:
            for claim in claims:
                try:
                    otherwise = released("exit") if crashed else complete(b"null")
                    self.jobs.finish(claim, self._said.get(claim.token) or otherwise)
                except StaleClaim as error:
                    logger.warning("%s", error)
            if self._renewal is not None:
                self.jobs.leave(self.name)
        except JobsError as error:
            logger.warning("At exit: %s", error)
