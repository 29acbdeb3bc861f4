"""Reading the queue: records, positions, counts, workers. Part of `lib.jobs.Jobs`; nothing here changes anything.

Every call costs the same with a million jobs: nothing comes from KEYS or a list scan. Pages are in `lib.listing`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from lib.errors import ExpiredJob, UnknownJob, unknown_job
from lib.reading import counts_of, fields_of, iso, number_of, object_of, text_of
from lib.records import BRIEF, ID, Job, idempotency_name
from lib.states import COMPLETE, PRIORITIES, STATUSES, SUBMITTED
from lib.store import Store, text

_EXEMPLAR = re.compile(r"[0-9a-f]+ \d+\.\d+ \d+\.\d+\Z")
_SAID: dict[str, type] = {
    **{"kind": str, "host": str, "version": str},
    **{"pid": int, "children": int, "memory_bytes": int, "deaths": int, "restarts": int},
    **{"queues": list, "operations": list, "operations_broken": list},
    **{"stopping": bool, "draining": bool},
}
UPKEEP_TASKS = ("reap", "promote", "expire", "fire", "deliver", "settle")


@dataclass(frozen=True)
class QueueStats:
    """What stands in one queue. `entries` are list entries (foreign ones included), `waiting` and `in_flight` are jobs, each by
    priority; ages in seconds."""

    name: str
    paused_since: str | None
    draining_since: str | None
    entries: dict[str, int]
    waiting: dict[str, int]
    in_flight: dict[str, int]
    scheduled: int
    idle_children: int
    unserved: int
    limited: int
    rejected: int
    dead: int
    oldest_ages: dict[str, float]
    oldest_unserved_age: float

    @property
    def depth(self) -> int:
        """Entries that will run: those of the lists without the dead ones."""
        return max(0, sum(self.entries.values()) - self.dead)

    @property
    def running(self) -> int:
        """Jobs that run now."""
        return sum(self.in_flight.values())

    @property
    def oldest_age(self) -> float:
        """Age of the job that has waited longest."""
        return max(self.oldest_ages.values())


@dataclass(frozen=True)
class Overdue:
    """What upkeep has still to do: for how many seconds the first of each task has been due, and deliveries to be sent."""

    seconds: dict[str, float]
    deliveries: int


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
                job = Job.from_hash(self.store.read(lambda rd: rd.hgetall(self._key(jid))), jid)
            except redis.ResponseError:  # something else of that name, written by another program
                pass
        if job is None:
            raise self._absent(jid)
        return job

    def look(self, jid: str) -> Shown:
        """One job with its position and files, in one round trip. Raises UnknownJob (ExpiredJob), StoreUnavailable."""
        reply: list[Any] = self.store.run("look", jid) if ID.match(jid) else [b"UNKNOWN"]
        if len(reply) == 1:
            raise _missing(jid, reply[0] == b"GONE")
        raw, rank, names = reply
        job = Job.from_hash(dict(zip(raw[::2], raw[1::2], strict=True)), jid)
        if job is None:  # a tombstone, or a hash that is not ours
            raise self._absent(jid)
        return Shown(job, None if rank is None else int(rank), sorted(map(text_of, names)))

    def of_key(self, idempotency_key: str, by: str | None) -> Job | None:
        """The job that an Idempotency-Key of `by` stands for."""
        jid = self.store.read(lambda rd: rd.get(idempotency_name(self.store.prefix, by, idempotency_key)), None)
        return None if jid is None else self.get(text_of(jid))

    def _absent(self, jid: str) -> UnknownJob:
        """What is said of a job that is not there (any more)."""
        gone = self.store.read(lambda rd: rd.zscore(f"{self.store.prefix}jobs.gone", jid)) if ID.match(jid) else None
        return _missing(jid, gone is not None)

    def _key(self, jid: str) -> str:
        return f"{self.store.prefix}job.{jid}"

    def get_many(self, ids: Sequence[str], brief: bool = False) -> list[Job | None]:
        """Jobs in one round trip; None for those that are not there. Raises StoreUnavailable.

        Args:
            brief: read only the fields that are never large: without input, result and attempts.
        """

        def ask(pipeline: Any) -> None:
            for jid in ids:
                pipeline.hmget(self._key(jid), *BRIEF) if brief else pipeline.hgetall(self._key(jid))

        found = zip(ids, self.store.read_each(ask) if ids else [], strict=True)
        return [None if raw is None else Job.from_hash(_named(raw) if brief else raw, jid) for jid, raw in found]

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
        return counts_of(raw)

    def exemplars(self) -> dict[str, str]:
        """The last traced job of each bucket, under the bucket's field: `<trace id> <seconds> <time>`."""
        raw = self.store.read(lambda rd: rd.hgetall(f"{self.store.prefix}metrics.exemplars"))
        return {name: words for name, words in fields_of(raw).items() if _EXEMPLAR.match(words)}

    def queue(self, name: str) -> QueueStats:
        """What stands in one queue."""
        reply = self.store.run("queue_stats", name)
        paused, draining = (iso(text_of(since)) for since in reply[:2])
        entries, waiting, running = (dict(zip(PRIORITIES, map(int, reply[at : at + 3]), strict=True)) for at in (2, 5, 8))
        scheduled, idle, unserved, limited, rejected, dead = map(int, reply[11:17])
        ages = dict(zip(PRIORITIES, map(float, reply[17:20]), strict=True))
        rest = scheduled, idle, unserved, limited, rejected, dead, ages, float(reply[20])
        return QueueStats(name, paused, draining, entries, waiting, running, *rest)

    def queues(self) -> list[QueueStats]:
        """What stands in every configured queue, adopted ones included."""
        return [self.queue(name) for name in self.store.settings.all_queues]

    def log(self, jid: str, after: str = "-", limit: int = 1_000) -> list[dict[str, str]]:
        """Log lines of a job: `{"id", "attempt", "line"}`, the oldest first, from the entry id `after` on (exclusive)."""
        start = after if after == "-" else f"({after}"
        return _lines(self.store.read(lambda rd: rd.xrange(self._key(jid) + ".log", start, "+", limit), []))

    def last_lines(self, jid: str, limit: int) -> list[dict[str, str]]:
        """As `log`, the last `limit` lines."""
        entries = self.store.read(lambda rd: rd.xrevrange(self._key(jid) + ".log", "+", "-", limit), [])
        return _lines(reversed(entries))

    def files(self, jid: str) -> dict[str, dict[str, Any]]:
        """Names of a job's files, each with `content_type` and `bytes`."""
        key = self._key(jid) + ".files"
        names = [name for name in self.store.read(lambda rd: rd.hkeys(key), []) if b"|" not in name]

        def read(rd: Any) -> Any:
            pipeline = rd.pipeline(transaction=False)
            for name in names:
                pipeline.hget(key, name + b"|type")
                pipeline.hstrlen(key, name)
            return pipeline.execute()

        answers = self.store.read(read) if names else []
        pairs = zip(answers[::2], answers[1::2], strict=True)
        return {
            text_of(name): {"content_type": text_of(kind) if kind else "application/octet-stream", "bytes": size}
            for name, (kind, size) in zip(names, pairs, strict=True)
        }

    def file(self, jid: str, name: str) -> tuple[bytes, str] | None:
        """A file's bytes and content type; None where there is none of that name."""
        data, kind = self.store.read(lambda rd: rd.hmget(self._key(jid) + ".files", name, f"{name}|type"), (None, None))
        return None if data is None or kind is None else (data, text_of(kind))

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
            info = _info(words)
            if info is None or iso(beat) is None:  # put there by another program: a worker's next beat puts it right
                continue
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
        return None if last is None else seconds + micros / 1e6 - number_of(last.partition(b".")[0])

    def overdue(self) -> Overdue:
        """What upkeep has still to do."""
        *seconds, deliveries = self.store.run("overdue", *self.store.settings.all_queues)
        return Overdue(dict(zip(UPKEEP_TASKS, map(float, seconds), strict=True)), int(deliveries))


def _named(values: Sequence[bytes | None]) -> dict[bytes, bytes]:
    return {name.encode(): value for name, value in zip(BRIEF, values, strict=True) if value is not None}


def _info(words: str) -> dict[str, Any] | None:
    """What a worker says of itself, without what is null; None where another program has put something else there."""
    said = object_of(words)
    if said is None:
        return None
    info = {name: value for name, value in said.items() if value is not None}
    if any(not isinstance(info[name], kind) for name, kind in _SAID.items() if name in info):
        return None
    names = [*info.get("queues", []), *info.get("operations", [])]
    for each in info.get("operations_broken", []):
        names += [each.get("file"), each.get("reason")] if isinstance(each, dict) else [None]
    return info if all(isinstance(name, str) for name in names) else None


def _lines(entries: Iterable[Any]) -> list[dict[str, str]]:
    return [
        {"id": entry.decode(), "attempt": "", "line": ""}
        | {name: word for name, word in fields_of(line).items() if name != "call"}
        for entry, line in entries
    ]


def _missing(jid: str, expired: bool) -> UnknownJob:
    if expired:
        return ExpiredJob(f"Job {jid} had ended, and the time for which it is kept is over; submit it again.")
    return unknown_job(jid)
