"""The duties that keep the queue's promises while nobody asks: keep functions, tidy, reap, promote, call, ring, fire, settle,
expire, remember, verify, trim; and to finish restores whose process died.

Run beside the API (`services.api.upkeep`), the part that is always on; in the workers it would sleep with them. Any
number may run: a lock with a time to live lets one work, and every duty is a script that two may call at once. Nothing
is kept in this process that a crash could lose.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import redis

from lib.backup.restoring import go_on
from lib.errors import JobsError, StoreFull, StoreUnavailable
from lib.firing import fire_due
from lib.functions import keep_functions
from lib.jobs import Jobs
from lib.reading import number_of
from lib.states import IN_PROGRESS, PRIORITIES, SCHEDULED
from lib.store import Store, members_of, text
from lib.tidying import Tidying

logger = logging.getLogger("trafficjobs.upkeep")

_BATCH = 500  # jobs in one call of a script
_CHUNK = 5_000  # entries in one read of verify
_MOST_REPAIRS = 1_000  # in one verify; the next one goes on
_DEAD_ALLOWED = 1_000  # dead ids that a list may keep, and no more than a tenth of its entries: beyond either it is trimmed
_BATCH_PATIENCE = 5.0  # seconds which the submitter of a batch has to turn it into jobs
_FUNCTIONS_EVERY = 30.0  # seconds between two looks whether the server has them
_SILENT_LEASES = 10  # leases without a beat after which a worker is forgotten


class Upkeep:
    """One runner of the duties.

    Args:
        jobs: the queue it keeps.
    """

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.store = jobs.store
        self.settings = jobs.settings
        self.holder = secrets.token_hex(8)
        self._ungated = Store(self.settings, jobs.store.patience, gated=False)  # for the lock, and for restores
        self._verified = float("-inf")
        self._odd: set[str] = set()  # queues whose lists are none
        self._sample_due = float("-inf")
        self._functions_due = float("-inf")
        self._waited = False
        self._gap = min(10.0, self.settings.lease_seconds / 3)  # seconds without a look in which leases may have ended unrenewed
        self._limited_from: dict[str, int] = {}  # where the next look at what lies aside begins, by queue
        self._tidying = Tidying(self.store, self._lock)

    def round(self) -> bool:
        """Do every duty once; False where another one holds the lock. Raises StoreUnavailable, and StoreFull at its end."""
        if not self._lock():
            return False
        go_on(self._ungated)
        full: StoreFull | None = None
        for duty in self._duties():
            try:
                duty()
            except StoreFull as error:  # others need no memory, or make room
                full = error
            except JobsError:  # Redis is away
                raise
            except Exception:  # one duty that cannot be done must not hold up the others
                logger.exception("A duty of upkeep failed")
        if full is not None:
            raise full
        return True

    def _duties(self) -> Iterator[Callable[[], Any]]:
        if time.monotonic() >= self._functions_due:
            yield self._keep_functions
        yield self._tidy
        for queue in self.settings.all_queues:
            yield partial(self._reap, queue)
            yield partial(self._until_done, "promote", queue, _BATCH)
            yield partial(self._until_done, "abandon", queue, self.settings.unserved_ttl, _BATCH)
            yield partial(self._call, queue)
            yield partial(self.store.run, "ring", queue, _CHUNK)
        yield partial(fire_due, self.jobs)
        yield partial(self._until_done, "settle", _BATCH)
        yield self._fill_batches
        yield partial(self._until_done, "expire", _BATCH)
        if not self._waited:  # else no worker could beat: its counters and the order to drain stay
            yield partial(self.store.run, "leave", "", _SILENT_LEASES * self.settings.lease_seconds)
        if time.monotonic() >= self._sample_due:
            yield self._remember
        if time.monotonic() - self._verified >= self.settings.verify_interval:
            yield self._verify

    def _keep_functions(self) -> None:
        keep_functions(self.store)
        self._functions_due = time.monotonic() + _FUNCTIONS_EVERY

    def release(self) -> None:
        """Give the lock back, so that another one need not wait."""
        self._ungated.run("lock", self.holder, 0)

    def watch(self, stop: threading.Event) -> None:
        """See until `stop` that Redis answers, in a thread beside the rounds: else the time between two of them, or a long
        duty, would look as if no lease could have been renewed, and none would ever be reaped."""
        while not stop.wait(self._gap / 3):
            try:
                self.store.run("reap", self.settings.queue_name, 0, self._gap)
            except JobsError:
                pass  # the rounds say so
            except Exception:
                logger.exception("Upkeep could not see whether Redis answers")

    def _lock(self) -> bool:
        return bool(self._ungated.run("lock", self.holder, int(1000 * max(1.0, 5 * self.settings.upkeep_interval))))

    def _until_done(self, script: str, *args: Any) -> None:
        """Repeat a duty while it comes back with a full batch, keeping the lock."""
        while self.store.run(script, *args) >= _BATCH and self._lock():
            pass

    def _tidy(self) -> None:
        if self._tidying.round():
            self._verified = float("-inf")

    def _remember(self) -> None:
        self._sample_due = time.monotonic() + self.jobs.remember()

    def _verify(self) -> None:
        before, self._verified = self._verified, time.monotonic()
        try:
            self.verify()
        except StoreUnavailable:  # the next round does it; what cannot be done at all would be tried in each
            self._verified = before
            raise

    def _fill_batches(self) -> None:
        """Go on with batches whose submitter died."""
        for bid in self.jobs.interrupted_batches(_BATCH_PATIENCE):
            try:
                self.jobs.fill_batch(bid)
            except StoreFull as error:
                logger.warning("Batch %s cannot go on: %s", bid, error)

    def _reap(self, queue: str) -> None:
        while True:
            code, number = text(self.store.run("reap", queue, _BATCH, self._gap))
            if code == "WAIT":
                if not self._waited:
                    logger.info(
                        "Redis restarted or was away; leases may be renewed for %.1f s before any is reaped", float(number)
                    )
                    self._verified = float("-inf")
                self._waited = True
                return
            self._waited = False
            if number:
                logger.warning("Reaped %d jobs of %s whose leases ended", number, queue)
            if number < _BATCH:
                return

    def _call(self, queue: str) -> None:
        """Look at a part of the jobs that lie aside until a place is free; the next round goes on."""
        first = self._limited_from.get(queue, 0)
        looked, called = self.store.run("call", queue, first, _BATCH)
        self._limited_from[queue] = first + looked - called if looked == _BATCH else 0
        if called:
            logger.info("Called %d jobs of %s that lay aside though a place of their key was free", called, queue)

    # Comparing what stands in several keys

    def verify(self) -> int:
        """Compare lists, leases and records, and repair what is at odds; the number of repairs.

        Where the numbers agree, which is always so unless Redis lost its last second, this costs a few commands.
        """
        repaired = 0
        leases = scheduled = 0
        for queue in self.settings.all_queues:
            entries, dead, waiting, leased = self.store.run("census", queue)
            leases += leased
            scheduled += self._queues("zcard", self._key(f"{queue}.scheduled"))
            try:
                self._trim(queue)
                if entries - dead != waiting:
                    repaired += self._repair(self._unlisted(queue), queue)
                self._odd.discard(queue)
            except redis.ResponseError as error:  # under an adopted name lies what another program wrote: it stays
                if "WRONGTYPE" not in str(error):
                    raise
                if queue not in self._odd:
                    logger.warning("The lists of %s cannot be compared with its jobs until they are lists: %s", queue, error)
                self._odd.add(queue)
        counts = self.jobs.counts()
        for status, indexed in ((IN_PROGRESS, leases), (SCHEDULED, scheduled)):
            if counts[status] != indexed:
                repaired += self._repair(self._members(self._records, f"jobs.{status}"), f"jobs.{status}")
        if repaired:
            logger.warning("verify repaired %d jobs", repaired)
        return repaired

    def _key(self, name: str) -> str:
        return self.store.prefix + name

    def _queues(self, command: str, *args: Any, **options: Any) -> Any:
        return self.store.look(lambda client: getattr(client, command)(*args, **options))

    def _records(self, command: str, *args: Any, **options: Any) -> Any:
        return self.store.read(lambda client: getattr(client, command)(*args, **options))

    def _repair(self, ids: Iterator[bytes], place: str) -> int:
        repaired = 0
        for jid in ids:
            repaired += bool(self.store.run("repair", jid, place))
            if repaired >= _MOST_REPAIRS:
                break
        return repaired

    def _lists(self, queue: str) -> list[str]:
        prefix = "" if queue in self.settings.adopt_queues else self.store.prefix
        plain = [f"hotqueue:{prefix}{queue}" + ("" if priority == "normal" else f":{priority}") for priority in PRIORITIES]
        return [key + end for key in plain for end in ("", ".paused")]

    def _unlisted(self, queue: str) -> Iterator[bytes]:
        """Waiting jobs that were in no list while it was read; the repair script looks again."""
        listed: set[int] = set()
        for key in self._lists(queue):
            start = 0
            while chunk := self._queues("lrange", key, start, start + _CHUNK - 1):
                listed.update(map(hash, chunk))
                start += len(chunk)
        for jid in self._members(self._queues, f"{queue}.waiting"):
            if hash(jid) not in listed:
                yield jid

    def _members(self, command: Callable[..., Any], name: str) -> Iterator[bytes]:
        """Ids of a sorted set."""
        return (jid for jid, _ in members_of(command, self._key(name), _CHUNK))

    def _trim(self, queue: str) -> None:
        """Take dead ids out of lists that hold many."""
        dead = self._queues("hgetall", self._key("dead"))
        for key in self._lists(queue):
            count = number_of(dead.get(key.removesuffix(".paused").encode()))
            length = self._queues("llen", key)
            if count <= min(_DEAD_ALLOWED, length // 10):
                continue
            start = 0
            while start < length:
                removed, length = self.store.run("trim", key, start, _CHUNK)
                start += _CHUNK - removed
