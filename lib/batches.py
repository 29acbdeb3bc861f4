"""Batches: many jobs submitted by one call, under one id with one status and counts. Part of `lib.jobs.Jobs`.

A batch is accepted as a whole by one script, with its jobs as words; further calls turn these into jobs part by part. Where
the caller dies in between, upkeep goes on.
"""

import hashlib
import math
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from lib.errors import Conflict, InvalidInput, UnknownBatch, UnknownParent
from lib.eta import Estimates
from lib.origin import NOWHERE, Origin
from lib.prepared import quota_rule
from lib.reading import Reading, fields_of, text_of
from lib.records import ID, check_cursor
from lib.states import CANCELLED, COMPLETE, FAILED, IN_PROGRESS
from lib.store import text
from lib.submission import Quota, Submission
from lib.submitting import MANY, Submitting, in_order, parts_of
from lib.targets import checked, shown

MOST_JOBS = 10_000
_COUNTS = ("total", "complete", "failed", "cancelled", "deduplicated", "conflicts")


@dataclass(frozen=True)
class Batch:
    """What became of a batch so far.

    Args:
        total: jobs in it.
        deduplicated, conflicts: jobs that are not in it: another one stands for it, or its id was taken meanwhile.
        accepting: parts of it that are not jobs yet.
    """

    id: str
    queue: str
    total: int
    complete: int = 0
    failed: int = 0
    cancelled: int = 0
    deduplicated: int = 0
    conflicts: int = 0
    accepting: int = 0
    by: str | None = None
    created: str | None = None
    ended: str | None = None
    notify: list[dict[str, Any]] = field(default_factory=list)
    origin: Origin = NOWHERE
    operations: dict[str, int] = field(default_factory=dict)  # jobs of each, as submitted
    delayed: dict[str, int] = field(default_factory=dict)  # those of them that have run_in or run_at
    due: float = 0.0  # seconds since 1970 from which on the last of these may run

    @property
    def status(self) -> str:
        """in-progress until all of its jobs have ended; then failed, cancelled or complete: the first that one of them is."""
        if self.ended is None:
            return IN_PROGRESS
        return FAILED if self.failed else CANCELLED if self.cancelled else COMPLETE

    @property
    def pending(self) -> int:
        """Jobs of it that have not ended."""
        return self.total - self.complete - self.failed - self.cancelled

    def to_dict(self) -> dict[str, Any]:
        """As HTTP shows it."""
        return {
            **{"id": self.id, "status": self.status, "queue": self.queue, "total": self.total, "pending": self.pending},
            **{name: getattr(self, name) for name in _COUNTS if name != "total"},
            **{"by": self.by, "created": self.created, "ended": self.ended},
            **({"notify": shown(self.notify)} if self.notify else {}),
            **self.origin.fields(),
        }


class Batching(Submitting):
    """The side of `Jobs` that deals with batches."""

    estimates: Callable[[], Estimates]

    def submit_batch(
        self,
        submissions: Iterable[Submission],
        *,
        id: str | None = None,
        queue: str | None = None,
        by: str | None = None,
        quota: Quota | None = None,
        notify: Sequence[Mapping[str, Any]] = (),
        origin: Origin = NOWHERE,
    ) -> tuple[Batch, bool]:
        """Accept up to 10,000 jobs as a batch; they may depend on each other, in any order.

        Args:
            notify: whom it tells of its end, as `Submission.notify`.
            origin: the request that it and its jobs come with.

        Returns: the batch, and whether it stood there already: the same id with the same jobs in it changes nothing.

        Raises: as submit, with `jobs.<n>.` before the field; Conflict also where the id of a job is taken.
        """
        bid = id or str(uuid.uuid4())
        name = self._queue(queue, own=True)
        given = [replace(each, batch=bid, origin=origin) for each in submissions]
        self._check_batch(bid, given)
        targets = checked(self.store.settings, notify)
        parts, digest = self._parts(bid, given, name)
        if self._read_batches([bid]) == [None]:
            self._check_ids(given)
        rule = orjson.dumps(quota_rule(by, quota)) if by is not None and quota is not None else ""
        settings = self.store.settings
        ttl = max(max(each.result_ttl or settings.result_ttl, each.failed_ttl or settings.failed_ttl) for each in given)
        fields = ["operations", orjson.dumps(Counter(each.operation for each in given)).decode(), *_delays(given)]
        fields += ["by", by] if by is not None else []
        fields += ["notify", orjson.dumps(targets).decode()] if targets else []
        fields += [part for item in origin.fields().items() for part in item]
        reply = text(self.store.run("open_batch", bid, digest, name, rule, ttl, len(given), len(parts), *parts, *fields))
        if reply[0] == "CONFLICT":
            raise Conflict(f"The id {bid} stands for another batch; take a new one.")
        self._check_reply(reply, name)
        self.fill_batch(bid)
        return self.batch(bid), bool(reply[0] == "REPLAYED")

    def fill_batch(self, bid: str) -> None:
        """Turn what is left of a batch into jobs. Raises StoreFull, StoreUnavailable; it is gone on with later."""
        while self.store.run("fill_batch", bid):
            pass

    def interrupted_batches(self, seconds: float) -> list[str]:
        """Batches that were opened so long ago and are not whole."""
        key = f"{self.store.prefix}batches.open"
        now = self.store.read(lambda rd: rd.time())[0]
        return [text_of(bid) for bid in self.store.read(lambda rd: rd.zrangebyscore(key, "-inf", now - seconds, 0, 100))]

    def batch(self, bid: str) -> Batch:
        """One batch. Raises UnknownBatch, StoreUnavailable."""
        (found,) = self._read_batches([bid]) if ID.match(bid) else [None]
        if found is None:
            raise UnknownBatch(f"There is no batch {bid[:80]!r}: it never was, or it has expired.")
        return found

    def batch_eta(self, batch: Batch) -> float | None:
        """Seconds until all of its jobs will have ended, by how long others like them ran; None where that is not known."""
        if batch.ended is not None:
            return None
        known, share = self.estimates(), batch.pending / max(1, sum(batch.operations.values()))

        def mix(counts: Mapping[str, int]) -> float | None:
            return known.of_mix({name: math.ceil(number * share) for name, number in counts.items()}, batch.queue)

        own, later = mix(batch.operations), 0.0
        if wait := known.until(batch.due):
            later = wait + (mix(batch.delayed) or 0.0)
        last = self.store.read(lambda rd: rd.zrevrange(f"{self.store.prefix}batch.{batch.id}.jobs", 0, 0), [])
        rank = self.store.look(lambda rd: rd.zrank(f"{self.store.prefix}{batch.queue}.waiting", last[0])) if last else None
        others = max(0, (rank or 0) + 1 - batch.pending)  # before its last one, and none of it
        if own is None:
            return None
        children = min((known.children(batch.queue, name) for name in batch.operations), default=0)
        return max(later, own + others * (known.overall or 0.0) / max(1, children))

    def batches(self, limit: int = 50, cursor: str | None = None) -> tuple[list[Batch], str | None]:
        """A page of batches, the newest first, and the cursor of the next page; None on the last. Raises InvalidInput."""
        check_cursor(cursor)
        key, high = f"{self.store.prefix}batches", f"({cursor}" if cursor else "+inf"
        found = self.store.read(lambda rd: rd.zrevrangebyscore(key, high, "-inf", 0, limit, withscores=True))
        page = self._read_batches([text_of(bid) for bid, _ in found])
        return [each for each in page if each is not None], f"{found[-1][1]:.0f}" if len(found) == limit else None

    def cancel_batch(self, bid: str, by: str = "") -> tuple[int, int]:
        """Cancel all of its jobs that have not ended: how many waited and are cancelled, and how many run and are told to stop.

        Raises: UnknownBatch.
        """
        self.batch(bid)
        self.fill_batch(bid)
        cancelled = told = 0
        for ids in self._jobs_of(bid):
            one, other = self.store.run("cancel_many", by, *ids)
            cancelled, told = cancelled + one, told + other
        return cancelled, told

    def _check_batch(self, bid: str, given: list[Submission]) -> None:
        if not ID.match(bid):
            raise InvalidInput("id", "must be 1 to 64 letters, digits, - or _")
        if not 1 <= len(given) <= MOST_JOBS:
            raise InvalidInput("jobs", f"must be 1 to {MOST_JOBS:,} jobs, not {len(given):,}")
        for n, submission in enumerate(given):
            try:
                self._check(submission)
            except InvalidInput as error:
                raise error.within(f"jobs.{n}") from None

    def _parts(self, bid: str, given: list[Submission], queue: str) -> tuple[list[bytes], str]:
        """The jobs as words in parts, and a digest of all that was said."""
        prepared = [[self._prepared(submission, queue) for submission in part] for part in parts_of(in_order(given))]
        parts = [orjson.dumps([plain(word) for each in part for word in each.words]) for part in prepared]
        digests = sorted(each.words[1] for part in prepared for each in part)
        return parts, hashlib.blake2b(orjson.dumps([bid, queue, *digests]), digest_size=12).hexdigest()

    def _check_ids(self, given: list[Submission]) -> None:
        """That no id of a job is taken, and that jobs outside of the batch that they depend on are there."""
        ids = {each.id for each in given}
        outside = list({parent for each in given for parent in each.depends_on if parent not in ids})
        names = [*ids, *outside]

        def read(rd: Any) -> Any:
            pipeline = rd.pipeline(transaction=False)
            for name in names:
                pipeline.hget(f"{self.store.prefix}job.{name}", "status")
            return pipeline.execute()

        statuses = dict(zip(names, self.store.read(read), strict=True))
        for n, each in enumerate(given):
            if statuses[each.id] is not None:
                raise Conflict(f"The id {each.id} of jobs.{n} stands for another job; take a new one.")
            for m, parent in enumerate(each.depends_on):
                if parent not in ids and statuses[parent] in (None, b"deleted"):
                    raise UnknownParent(f"jobs.{n}.depends_on.{m}", f"there is no job {parent}, here or among those accepted")

    def _read_batches(self, ids: Sequence[str]) -> list[Batch | None]:
        def ask(pipeline: Any) -> None:
            for bid in ids:
                pipeline.hgetall(f"{self.store.prefix}batch.{bid}")
                pipeline.llen(f"{self.store.prefix}batch.{bid}.todo")

        found = self.store.read_each(ask)
        return [_batch(raw, accepting) for raw, accepting in zip(found[::2], found[1::2], strict=True)]

    def _jobs_of(self, bid: str) -> Iterator[list[str]]:
        key = f"{self.store.prefix}batch.{bid}.jobs"
        ids = [text_of(jid) for jid in self.store.read(lambda rd: rd.zrange(key, 0, -1), [])]
        for at in range(0, len(ids), MANY):
            yield ids[at : at + MANY]

    def retry_batch(self, bid: str, by: str = "") -> int:
        """Run its failed and cancelled jobs again; how many. Those whose parents stay failed are left. Raises UnknownBatch."""
        self.batch(bid)
        retried = 0
        for ids in self._jobs_of(bid):
            retried += self.store.run("retry_many", by, *ids)
        return retried


def _batch(raw: Any, accepting: Any) -> Batch | None:
    """A record; None where there is none, or something else under its name. What is damaged in it is left out."""
    values = fields_of(raw or {})
    if not all(values.get(name) for name in ("id", "queue", "total")):
        return None
    read = Reading(values)
    made = Batch(
        values["id"],
        values["queue"],
        0,
        accepting=accepting if isinstance(accepting, int) else 0,
        by=values.get("by"),
        created=read.time("created"),
        ended=read.time("ended"),
        notify=read.array("notify", dict),
        origin=Origin.of(values),
        operations=_numbers(read.json("operations", dict)),
        delayed=_numbers(read.json("delayed", dict)),
        due=max(read.float("run_at"), read.float("created") + read.float("run_in")),
    )
    counts: dict[str, Any] = {name: read.int(name) for name in _COUNTS}
    return replace(made, **counts)


def _numbers(counts: dict[str, Any] | None) -> dict[str, int]:
    return {name: number for name, number in (counts or {}).items() if isinstance(number, int)}


def _delays(given: list[Submission]) -> list[str]:
    """Fields of the record that say how many jobs of each operation are not to run at once, and when the last of them may."""
    later = [each for each in given if each.run_in or each.run_at]
    if not later:
        return []
    last = {"run_in": max(each.run_in or 0.0 for each in later), "run_at": max(each.run_at or 0.0 for each in later)}
    times = [part for name, value in last.items() if value for part in (name, f"{value:.6f}")]
    return ["delayed", orjson.dumps(Counter(each.operation for each in later)).decode(), *times]


def plain(word: Any) -> str:
    """A word of a script as text."""
    return word.decode() if isinstance(word, bytes) else str(word)
