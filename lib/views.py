"""Reading the queue: records, pages, positions, counts, workers. Part of `lib.jobs.Jobs`; nothing here changes anything.

Every call costs the same with a million jobs: pages come from sorted sets by cursor, never from KEYS or a list scan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from lib.errors import ExpiredJob, InvalidInput, UnknownJob
from lib.failures import check_fingerprint
from lib.records import ID, Job, check_cursor, iso
from lib.states import COMPLETE, STATUSES, SUBMITTED
from lib.store import Store, text

PAGE_LIMIT = 1_000


@dataclass(frozen=True)
class Page:
    """Jobs, the newest first, and the cursor of the next page; None on the last."""

    jobs: list[Job]
    cursor: str | None


@dataclass(frozen=True)
class QueueStats:
    """What stands in one queue. `entries` are list entries (foreign ones included), `waiting` are jobs; ages in seconds."""

    name: str
    paused_since: str | None
    draining_since: str | None
    entries: dict[str, int]
    waiting: dict[str, int]
    scheduled: int
    running: int
    idle_children: int
    unserved: int
    limited: int
    rejected: int
    dead: int
    oldest_age: float
    oldest_unserved_age: float

    @property
    def depth(self) -> int:
        """Entries that will run: those of the lists without the dead ones."""
        return max(0, sum(self.entries.values()) - self.dead)


@dataclass(frozen=True)
class Shown:
    """A job with what HTTP shows beside its record: how many run before it while it waits, its files once it is complete."""

    job: Job
    position: int | None
    files: list[str]

    def to_dict(self) -> dict[str, Any]:
        """As HTTP shows it: the record, `position` while it waits, and the names of its `files` once it is complete."""
        record = self.job.to_dict()
        if self.job.status == SUBMITTED:
            record["position"] = self.position
        if self.job.status == COMPLETE:
            record["files"] = self.files
        return record


class Viewing:
    """The reading side of `Jobs`."""

    store: Store

    def get(self, jid: str) -> Job:
        """One job. Raises UnknownJob, StoreUnavailable."""
        job = None
        if ID.match(jid):
            try:
                job = Job.from_hash(self.store.read(lambda rd: rd.hgetall(self._key(jid))))
            except redis.ResponseError:  # something else of that name, written by another program
                pass
        if job is None:
            gone = self.store.read(lambda rd: rd.zscore(f"{self.store.prefix}jobs.gone", jid)) if ID.match(jid) else None
            raise _missing(jid, gone is not None)
        return job

    def look(self, jid: str) -> Shown:
        """One job with its position and files, in one round trip. Raises UnknownJob (ExpiredJob), StoreUnavailable."""
        reply: list[Any] = self.store.run("look", jid) if ID.match(jid) else [b"UNKNOWN"]
        if len(reply) == 1:
            raise _missing(jid, reply[0] == b"GONE")
        raw, rank, names = reply
        job = Job.from_hash(dict(zip(raw[::2], raw[1::2], strict=True)))
        if job is None:
            raise _missing(jid, False)
        return Shown(job, None if rank is None else int(rank), sorted(name.decode() for name in names))

    def of_key(self, idempotency_key: str, by: str | None) -> Job | None:
        """The job that an Idempotency-Key of `by` stands for."""
        jid = self.store.read(lambda rd: rd.get(f"{self.store.prefix}idempotency.{by or ''}.{idempotency_key}"))
        return None if jid is None else self.get(jid.decode())

    def _key(self, jid: str) -> str:
        return f"{self.store.prefix}job.{jid}"

    def page(
        self,
        *,
        status: str | None = None,
        operation: str | None = None,
        fingerprint: str | None = None,
        batch: str | None = None,
        since: float | None = None,
        until: float | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """A page of jobs, the newest first.

        Args:
            status: only jobs in this state.
            operation: only jobs of this operation; a page looks at no more than 10,000 jobs and may then be short.
            fingerprint: only failed jobs that are alike; `Job.fingerprint` of one of them.
            batch: only jobs of this batch.
            since, until: submitted from then on, and before then; seconds since 1970.
            cursor: of the page before.

        Raises: InvalidInput naming the argument.
        """
        if status is not None and status not in STATUSES:
            raise InvalidInput("status", f"{status!r} is not one of {', '.join(STATUSES)}")
        if not 1 <= limit <= PAGE_LIMIT:
            raise InvalidInput("limit", f"must be 1 to {PAGE_LIMIT}")
        check_cursor(cursor)
        check_fingerprint(fingerprint)
        if batch is not None and not ID.match(batch):
            raise InvalidInput("batch", "must be the id of a batch")
        narrow = {f"failures.{fingerprint}": fingerprint, f"batch.{batch}.jobs": batch, f"jobs.{status}": status, "jobs": True}
        key = self.store.prefix + next(name for name, given in narrow.items() if given)
        low = "-inf" if since is None else str(int(since * 1e6))
        high = f"({cursor}" if cursor is not None else ("+inf" if until is None else f"({int(until * 1e6)}")
        found: list[Job] = []
        for _ in range(10):
            step = limit if operation is None and (status is None or batch is None) else PAGE_LIMIT
            ids = self._ids(key, high, low, step)
            for job, (_, seq) in zip(self.get_many([jid.decode() for jid, _ in ids]), ids, strict=True):
                high = f"({seq:.0f}"
                # A record may change its state, or go, between the index and the read.
                if job is None or (fingerprint and job.fingerprint != fingerprint):
                    continue
                if (status and job.status != status) or (operation and job.operation != operation):
                    continue
                found.append(job)
                if len(found) == limit:
                    return Page(found, high[1:])
            if len(ids) < step:
                return Page(found, None)
        return Page(found, high[1:])

    def _ids(self, key: str, high: str, low: str, count: int) -> list[tuple[bytes, float]]:
        ids: list[tuple[bytes, float]] = self.store.read(
            lambda rd: rd.zrevrangebyscore(key, high, low, 0, count, withscores=True)
        )
        return ids

    def get_many(self, ids: Sequence[str]) -> list[Job | None]:
        """Jobs in one round trip; None for those that are not there. Raises StoreUnavailable."""

        def read(rd: Any) -> Any:
            pipeline = rd.pipeline(transaction=False)
            for jid in ids:
                pipeline.hgetall(self._key(jid))
            return pipeline.execute()

        return [Job.from_hash(raw) for raw in self.store.read(read)] if ids else []

    def position(self, job: Job) -> int | None:
        """How many jobs of its queue run before this one, 0 for the next; None where it does not wait."""
        if job.status != "submitted":
            return None
        key = f"{self.store.prefix}{job.queue}.waiting"
        rank = self.store.look(lambda queues: queues.zrank(key, job.id))
        return None if rank is None else int(rank)

    def counts(self) -> dict[str, int]:
        """Jobs by status."""

        def read(rd: Any) -> Any:
            pipeline = rd.pipeline(transaction=False)
            for status in STATUSES:
                pipeline.zcard(f"{self.store.prefix}jobs.{status}")
            return pipeline.execute()

        return dict(zip(STATUSES, self.store.read(read), strict=True))

    def counters(self) -> dict[str, int]:
        """The durable counters and histogram buckets, by their field in `metrics`."""
        raw = self.store.read(lambda rd: rd.hgetall(f"{self.store.prefix}metrics"))
        return {key.decode(): int(value) for key, value in raw.items()}

    def queue(self, name: str) -> QueueStats:
        """What stands in one queue."""
        reply = self.store.run("queue_stats", name)
        numbers = list(map(int, reply[2:-2]))
        entries, waiting = (dict(zip(("high", "normal", "low"), numbers[at : at + 3], strict=True)) for at in (0, 3))
        scheduled, running, idle, unserved, limited, rejected, dead = numbers[6:]
        ages = float(reply[-2]), float(reply[-1])
        paused, draining = (iso(since.decode()) for since in reply[:2])
        rest = scheduled, running, idle, unserved, limited, rejected, dead
        return QueueStats(name, paused, draining, entries, waiting, *rest, *ages)

    def queues(self) -> list[QueueStats]:
        """What stands in every configured queue, adopted ones included."""
        return [self.queue(name) for name in self.store.settings.all_queues]

    def log(self, jid: str, after: str = "-", limit: int = 1_000) -> list[dict[str, str]]:
        """Log lines of a job: `{"id", "attempt", "line"}`, the oldest first, from the entry id `after` on (exclusive)."""
        start = after if after == "-" else f"({after}"
        entries = self.store.read(lambda rd: rd.xrange(self._key(jid) + ".log", start, "+", limit))
        return [
            {"id": entry.decode()} | {k.decode(): v.decode("utf-8", "replace") for k, v in line.items() if k != b"call"}
            for entry, line in entries
        ]

    def files(self, jid: str) -> dict[str, dict[str, Any]]:
        """Names of a job's files, each with `content_type` and `bytes`."""
        key = self._key(jid) + ".files"
        names = [name for name in self.store.read(lambda rd: rd.hkeys(key)) if b"|" not in name]

        def read(rd: Any) -> Any:
            pipeline = rd.pipeline(transaction=False)
            for name in names:
                pipeline.hget(key, name + b"|type")
                pipeline.hstrlen(key, name.decode())
            return pipeline.execute()

        answers = self.store.read(read) if names else []
        pairs = zip(answers[::2], answers[1::2], strict=True)
        return {
            name.decode(): {"content_type": kind.decode() if kind else "application/octet-stream", "bytes": size}
            for name, (kind, size) in zip(names, pairs, strict=True)
        }

    def file(self, jid: str, name: str) -> tuple[bytes, str] | None:
        """A file's bytes and content type; None where there is none of that name."""
        data, kind = self.store.read(lambda rd: rd.hmget(self._key(jid) + ".files", name, f"{name}|type"))
        return None if data is None or kind is None else (data, kind.decode())

    def workers(self) -> list[dict[str, Any]]:
        """Workers that beat: `{"name", "beat", "draining", "drained", "running", ...}` and what each says of itself.

        `draining` is what it was ordered, `drained` that it has heard of it and runs nothing;
        `running` is what its children hold now: `{"child", "job", "operation", "started", "seconds"}`.
        """
        now, workers, held = text(self.store.run("workers"))
        running: dict[str, list[dict[str, Any]]] = {}
        for child, jid, operation, started, worker in held:
            seconds = round(max(0.0, float(now) - float(started)), 1)
            about = {"child": child, "job": jid, "operation": operation, "started": iso(started), "seconds": seconds}
            running.setdefault(worker, []).append(about)
        found = []
        for name, beat, words, order, ordered in workers:
            info = orjson.loads(words)
            said = info.get("draining", False)
            draining = order == "drain" if order else said
            state = {"draining": draining, "draining_since": iso(ordered) if draining and order else None}
            state["drained"] = draining and said and name not in running
            found.append({"name": name, "beat": iso(beat)} | info | state | {"running": running.get(name, [])})
        return found

    def upkeep_age(self) -> float | None:
        """Seconds since upkeep last looked; None where it never did."""

        def read(rd: Any) -> Any:
            pipeline = rd.pipeline(transaction=False)
            pipeline.hget(f"{self.store.prefix}upkeep.seen", "last")
            pipeline.time()
            return pipeline.execute()

        last, (seconds, micros) = self.store.read(read)
        return None if last is None else seconds + micros / 1e6 - float(last)


def _missing(jid: str, expired: bool) -> UnknownJob:
    if expired:
        return ExpiredJob(f"Job {jid} had ended, and the time for which it is kept is over; submit it again.")
    return UnknownJob(f"There is no job {jid!r}: the id is wrong, or the job was deleted or has expired.")
