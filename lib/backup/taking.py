"""Reads a release while it runs, as it stood at one moment.

Everything is read page by page while jobs go on; what changed meanwhile, the stream of events tells, and it is read again, until
so little is left that one script reads it at once, with all that changes without an event: that is the moment. Nothing is
written, so that a crash leaves nothing. Later entries of a backup take the place of earlier ones of the same name.
"""

import itertools
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from lib.backup.estimate import estimated_bytes
from lib.backup.form import Entry, packed
from lib.errors import Conflict
from lib.reading import text_of
from lib.store import Store, members_of
from lib.versions import DatasetStore

_PAGE = 200  # jobs in one call
_PAGE_BYTES = 4 * 2**20  # of a page, after which no further job is read
_EVENTS = 5_000  # read at once
_AT_ONCE = 100  # changed jobs that the last script may read, to begin with; twice as many each time that more have changed
_ROUNDS = 12  # after which it is given up
_MEMBERS = 5_000  # of a stream, list or sorted set in one entry


class BackupImpossible(Conflict):
    """The release cannot be read as of one moment now; the message says why."""


class Taking:
    """One backup. Use `pieces` once.

    Args:
        store: of the release.
        made_by: version of trafficjobs.
    """

    def __init__(self, store: Store, made_by: str) -> None:
        self.store, self.settings = store, store.settings
        self._made_by = made_by
        self._data = DatasetStore(store.records, store.settings)
        self._prefix = store.prefix
        self._began_us = 0  # when it began, in Redis's time
        self._seen = "0-0"  # the last event that was read
        self._last_event = ""  # the last one before the moment
        self._changed: dict[bytes, None] = {}  # jobs, in the order in which they changed
        self._batches: set[bytes] = set()  # those whose counts may have changed

    def pieces(self) -> Iterator[bytes]:
        """The file, piece by piece. Raises StoreUnavailable, BackupImpossible."""
        return packed(self._entries(), self._about())

    def _about(self) -> dict[str, Any]:
        seconds, micros = self.store.look(lambda client: client.time())
        self._began_us = seconds * 1_000_000 + micros
        server = self._read("info", "server")
        return {
            "made": datetime.fromtimestamp(seconds, UTC).isoformat(),
            "made_by": self._made_by,
            "server": server.get("valkey_version") or server.get("redis_version", ""),
            "key_prefix": self._prefix,
            "queues": self.settings.all_queues,
            "memory": estimated_bytes(self.store, self._data),
        }

    def _key(self, name: str) -> str:
        return self._prefix + name

    def _read(self, command: str, *args: Any, **options: Any) -> Any:
        """A plain command on the records' database; what is of another program's making is no part of a backup."""
        nothing: Any = {} if command == "hgetall" else []
        return self.store.read(lambda client: getattr(client, command)(*args, **options), nothing)

    def _queues_read(self, command: str, *args: Any) -> Any:
        """The same on the queues' database."""
        return self.store.look(lambda client: getattr(client, command)(*args))

    def _entries(self) -> Iterator[Entry]:
        newest = self._read("xrevrange", self._key("events"), count=1)
        self._seen = text_of(newest[0][0]) if newest else "0-0"
        yield from self._all_batches()
        yield from self._all_jobs()
        last = yield from self._until_little_changes()
        yield from self._moment(last)
        yield from self._aside()
        yield from self._versions()

    # Everything once

    def _all_batches(self) -> Iterator[Entry]:
        for ids in _chunks(self._members("batches"), 1_000):
            for batch, score in ids:
                yield from self._batch(batch, score)

    def _batch(self, batch: bytes, score: float) -> Iterator[Entry]:
        name, key = text_of(batch), self._key(f"batch.{text_of(batch)}")
        record = self._read("hgetall", key)
        if not record:
            return
        yield Entry("batch", name, {"score": score}, _flat(record))
        for chunk in _chunks(self._members(f"batch.{name}.jobs"), _MEMBERS):
            yield Entry("members", name, {}, [part for member, place in chunk for part in (member, b"%.0f" % place)])
        if b"ended" not in record:
            self._batches.add(batch)  # the rest is read at the last moment
            return
        yield from self._deliveries(f"batch.{name}")

    def _deliveries(self, of: str) -> Iterator[Entry]:
        for delivery in self._read("lrange", self._key(f"{of}.deliveries"), 0, -1):
            fields = self._read("hgetall", self._key(f"delivery.{text_of(delivery)}"))
            yield Entry("delivery", text_of(delivery), {"of": of}, _flat(fields))

    def _all_jobs(self) -> Iterator[Entry]:
        cursor = "+inf"
        while cursor:
            page = self.store.run("backup_jobs", cursor, _PAGE, _PAGE_BYTES)
            for job in page[1:]:
                yield from self._job(job, again=False)
            cursor = f"({text_of(page[0])}" if page[0] else ""
            self._follow()

    def _job(self, job: list[Any], again: bool = True) -> Iterator[Entry]:
        name = text_of(job[0])
        if len(job) == 1:
            yield Entry("gone", name)
            return
        _, record, place, unique, files, log, deliveries = job
        if again and b"batch" in record[::2]:
            self._batches.add(dict(_pairs(record))[b"batch"])
        about = {"place": text_of(place), "unique": unique if isinstance(unique, int) else None}
        yield Entry("job", name, about, record)
        if files:
            yield Entry("files", name, {}, files)
        for chunk in _chunks(log, _MEMBERS):
            yield Entry("log", name, {}, _stream(chunk))
        for delivery, values in _pairs(deliveries):
            yield Entry("delivery", text_of(delivery), {"of": f"job.{name}"}, values)

    def _follow(self) -> None:
        """Note which jobs have changed since events were read last."""
        while True:
            first = self._read("xrange", self._key("events"), count=1)
            found = self._read("xrange", self._key("events"), f"({self._seen}", "+", _EVENTS)
            if first and self._seen != "0-0" and _id(first[0][0]) > _id(self._seen):
                raise BackupImpossible("Events were dropped before they were read: jobs change faster than they are backed up.")
            for entry, fields in found:
                self._seen = text_of(entry)
                if job := fields.get(b"id"):
                    self._changed.pop(job, None)
                    self._changed[job] = None
            if len(found) < _EVENTS:
                return

    # What changed meanwhile

    def _until_little_changes(self) -> Generator[Entry, None, Any]:
        """Read again what has changed, round after round; what the last script answers."""
        at_once = _AT_ONCE
        for _ in range(_ROUNDS):
            yield from self._again(list(self._changed))
            if len(self._changed) <= at_once // 2:
                yield from self._again(list(self._changed), follow=False)
                queues = self.settings.all_queues
                last = self.store.run("backup_last", self._seen, at_once, self._began_us, len(queues), *queues, *self._batches)
                if last[0] == b"LAST":
                    return last
                self._seen = text_of(last[1])
                self._changed |= dict.fromkeys(last[2:])
                self._follow()
            at_once *= 2
        raise BackupImpossible("Jobs change faster than they can be read; try again when less is going on.")

    def _again(self, ids: list[bytes], follow: bool = True) -> Iterator[Entry]:
        """These jobs as they are now; what changes meanwhile is for the next round."""
        for job in ids:
            self._changed.pop(job, None)
        while ids:
            read = self.store.run("backup_some", _PAGE_BYTES, *ids[:_PAGE])
            for job in read:
                yield from self._job(job)
            del ids[: len(read)]
            if follow:
                self._follow()

    def _moment(self, last: list[Any]) -> Iterator[Entry]:
        _, event, seq, metrics, exemplars, first_failures, paused, draining, schedules, batches, foreign, jobs = last
        self._last_event = text_of(event)
        for job in jobs:
            yield from self._job(job)
        for batch, score, record, todo, deliveries in batches:
            name = text_of(batch)
            if not record or score is None:
                yield Entry("batch gone", name)
                continue
            yield Entry("batch", name, {"score": float(score)}, record)
            if todo:
                yield Entry("todo", name, {}, todo)
            for delivery, values in _pairs(deliveries):
                yield Entry("delivery", text_of(delivery), {"of": f"batch.{name}"}, values)
        for schedule, score, record in schedules:
            yield Entry("schedule", text_of(schedule), {"score": float(score)}, record)
        for queue, priority, values in foreign:
            yield Entry("foreign", text_of(queue), {"priority": text_of(priority)}, values)
        whole = {"metrics": metrics, "metrics.exemplars": exemplars, "failures.first": first_failures}
        for name, values in (whole | {"paused": paused, "draining": draining}).items():
            if values:
                yield Entry("hash", name, {}, values)
        yield Entry("string", "jobs.seq", {}, [seq])

    # What changes slowly, or only grows

    def _aside(self) -> Iterator[Entry]:
        for name in ("history.hour", "history.day", "history.week", "events"):
            yield from self._stream(name, self._last_event if name == "events" else "+")
        for chunk in _chunks(self._members("jobs.gone"), _MEMBERS):
            yield Entry("zset", "jobs.gone", {}, [part for member, score in chunk for part in (member, repr(score).encode())])
        for queue in self.settings.all_queues:
            key, start = self._key(f"{queue}.rejected"), 0
            while found := self._queues_read("lrange", key, start, start + 9):
                yield Entry("rejected", queue, {}, found)  # up to 1 MiB each
                start += len(found)

    def _stream(self, name: str, end: str) -> Iterator[Entry]:
        start = "-"
        while found := self._read("xrange", self._key(name), start, end, _MEMBERS):
            yield Entry("stream", name, {}, _stream([(entry, _flat(fields)) for entry, fields in found]))
            start = f"({text_of(found[-1][0])}"

    def _members(self, name: str) -> Iterator[tuple[bytes, float]]:
        """Of a sorted set of the records' database."""
        return members_of(self._read, self._key(name), _MEMBERS)

    def _versions(self) -> Iterator[Entry]:
        """Versions of the data, which never change; again where one was loaded meanwhile, until the current one is among them."""
        kept: set[str] = set()
        while True:
            names, current = self.store.read(lambda _: ([one.id for one in self._data.versions()], self._data.current()))
            for name in [name for name in reversed(names) if name not in kept]:
                if (yield from self._version(name)):
                    kept.add(name)
            if current is None or current in kept:
                break
        if current is not None:
            yield Entry("current", current)

    def _version(self, name: str) -> Generator[Entry, None, bool]:
        """One version; whether it was there to its end."""
        key = self._key(f"data.{name}")
        fields, score = self.store.read(lambda client: (client.hgetall(key), client.zscore(self._key("data.versions"), name)))
        for n in range(int(fields.get(b"chunks", 0))):
            chunk = self._read("get", f"{key}.{n}")
            if chunk is None:
                return False  # it was removed meanwhile
            yield Entry("chunk", name, {"n": n}, [chunk])
        if not fields or score is None:
            return False
        yield Entry("version", name, {"score": score}, _flat(fields))
        return True


def _id(entry: bytes | str) -> tuple[int, int]:
    text = text_of(entry) if isinstance(entry, bytes) else entry
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number or 0)


def _flat(fields: dict[bytes, bytes]) -> list[bytes]:
    return [part for pair in fields.items() for part in pair]


def _stream(entries: Iterable[Any]) -> list[bytes]:
    """Entries of a stream as values: id, number of values, field, value, ..."""
    return [part for entry, values in entries for part in (entry, b"%d" % len(values), *values)]


def _pairs(flat: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    source = iter(items)
    while chunk := list(itertools.islice(source, size)):
        yield chunk
