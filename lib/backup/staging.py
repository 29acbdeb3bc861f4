"""Brings a backup to Redis beside what is there: every key lies under `restore.<token>.`, where nobody looks.

The service goes on meanwhile. A process that dies leaves keys that upkeep, or the next restore, sweeps away; what they belong to
is noted in `restore.loads` with the time of the last sign of life.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import redis

from lib.backup.form import BrokenBackup, Entry, Unpacker
from lib.store import Store
from lib.uploads import Room

_SENT_BYTES, _SENT_COMMANDS = 2**20, 500  # of one round trip
_BEAT = 5.0  # seconds between two signs of life
SILENT = 120.0  # seconds of silence from which on a load is taken for dead
# What follows its key's name in one list or set of many entries.
_PLAIN = {"history.hour", "history.day", "history.week", "events", "jobs.gone", "jobs.seq", "metrics", "metrics.exemplars"}
_PLAIN |= {"failures.first", "paused", "draining"}


class Staged:
    """A backup on its way into Redis.

    Args:
        store: of the release.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.token = secrets.token_hex(8)
        self.about: dict[str, Any] = {}
        self._shadow = f"{store.prefix}restore.{self.token}."
        self._records: list[tuple[Any, ...]] = []
        self._queues: list[tuple[Any, ...]] = []
        self._waiting_bytes, self._beaten = 0, float("-inf")
        self._foreign = 0
        self._room = Room(store.records)

    def load(self, pieces: Iterable[bytes]) -> None:
        """Take all of a file. Where that fails, nothing of it is left.

        Raises:
            BrokenBackup: it is none, is damaged, or of a newer form.
            StoreFull: Redis has no room for it beside what is there.
            StoreUnavailable.
        """
        unpacker = Unpacker(pieces)
        try:
            self._beat()
            first = True
            for entry in unpacker.entries():
                if first:
                    self.about, first = unpacker.about, False
                    self._redis(lambda: self._room.require(int(self.about.get("memory") or 0), "the restore"))
                self._take(entry)
                if self._waiting_bytes >= _SENT_BYTES or len(self._records) + len(self._queues) >= _SENT_COMMANDS:
                    self._send()
            self.about = unpacker.about
            self._send()
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """Sweep away what has arrived; what cannot be swept now is swept by upkeep."""
        try:
            sweep(self.store, self.token)
        except Exception:  # the first error is what matters
            pass

    def _take(self, entry: Entry) -> None:
        try:
            commands = _COMMANDS[entry.kind](self, entry)
        except (LookupError, ValueError, TypeError):
            raise BrokenBackup(f"The backup has an entry that cannot be read: {entry.kind[:40]} {entry.name[:80]}") from None
        if commands is not None:
            self._records += commands
        self._waiting_bytes += sum(map(len, entry.values)) + 100

    def _send(self) -> None:
        self._redis(lambda: self._room.require(2 * self._waiting_bytes, "the next part of the restore"))
        for client, commands in ((self.store.records, self._records), (self.store.queues, self._queues)):
            if commands:
                self._redis(partial(_piped, client, commands))
            commands.clear()
        self._waiting_bytes = 0
        self._beat()

    def _redis(self, action: Callable[[], Any]) -> Any:
        # Tried once: what was appended must not be appended twice, and the file can be sent again.
        return self.store.persist(action, 0)

    def _beat(self) -> None:
        if time.monotonic() - self._beaten >= _BEAT:
            first = self._beaten == float("-inf")
            self._beaten = time.monotonic()
            now = self._redis(lambda: self.store.records.time())[0]
            # Only the first one makes it: where it was swept away meanwhile, it must not look whole again.
            loads = f"{self.store.prefix}restore.loads"
            self._redis(lambda: self.store.records.zadd(loads, {self.token: now}, nx=first, xx=not first))

    # One method for each kind of entry: the commands for the records' database

    def _job(self, entry: Entry) -> list[tuple[Any, ...]]:
        fields = dict(zip(entry.values[::2], entry.values[1::2], strict=True))
        if (known := fields.get(b"idempotency")) and (old := str(self.about.get("key_prefix", "")).encode()) != self._prefix:
            fields[b"idempotency"] = self._prefix + known.removeprefix(old)
        extra = {b"~place": str(entry.about["place"]).encode(), b"~unique": b"%d" % (entry.about.get("unique") or 0)}
        fields |= {name: value for name, value in extra.items() if value not in (b"", b"0")}
        key = f"{self._shadow}job.{entry.name}"
        values = [part for pair in fields.items() for part in pair]
        order = float(fields[b"seq"])
        return [*self._gone(entry), ("HSET", key, *values), ("ZADD", f"{self._shadow}jobs", b"%.0f" % order, entry.name)]

    @property
    def _prefix(self) -> bytes:
        return self.store.prefix.encode()

    def _gone(self, entry: Entry) -> list[tuple[Any, ...]]:
        keys = [f"{self._shadow}job.{entry.name}{part}" for part in ("", ".files", ".log", ".deliveries")]
        return [("UNLINK", *keys), ("ZREM", f"{self._shadow}jobs", entry.name)]

    def _files(self, entry: Entry) -> list[tuple[Any, ...]]:
        return [("HSET", f"{self._shadow}job.{entry.name}.files", *entry.values)]

    def _log(self, entry: Entry) -> list[tuple[Any, ...]]:
        return _added(f"{self._shadow}job.{entry.name}.log", entry.values)

    def _delivery(self, entry: Entry) -> list[tuple[Any, ...]]:
        listed = ("RPUSH", f"{self._shadow}{entry.about['of']}.deliveries", entry.name)
        return [("UNLINK", key := f"{self._shadow}delivery.{entry.name}"), ("HSET", key, *entry.values), listed]

    def _batch(self, entry: Entry) -> list[tuple[Any, ...]]:
        key = f"{self._shadow}batch.{entry.name}"
        place = ("ZADD", f"{self._shadow}batches", b"%.0f" % entry.about["score"], entry.name)
        return [("UNLINK", key, f"{key}.todo", f"{key}.deliveries"), ("HSET", key, *entry.values), place]

    def _batch_gone(self, entry: Entry) -> list[tuple[Any, ...]]:
        key = f"{self._shadow}batch.{entry.name}"
        keys = [key + part for part in ("", ".todo", ".jobs", ".deliveries")]
        return [("UNLINK", *keys), ("ZREM", f"{self._shadow}batches", entry.name)]

    def _members(self, entry: Entry) -> list[tuple[Any, ...]]:
        return [("ZADD", f"{self._shadow}batch.{entry.name}.jobs", *_turned(entry.values))]

    def _todo(self, entry: Entry) -> list[tuple[Any, ...]]:
        return [("RPUSH", f"{self._shadow}batch.{entry.name}.todo", *entry.values)]

    def _schedule(self, entry: Entry) -> list[tuple[Any, ...]]:
        place = ("ZADD", f"{self._shadow}schedules", b"%.0f" % entry.about["score"], entry.name)
        return [("HSET", f"{self._shadow}schedule.{entry.name}", *entry.values), place]

    def _foreign_entries(self, entry: Entry) -> None:
        key = f"{self._shadow}foreign.{entry.name}.{entry.about['priority']}"
        for place, value in zip(entry.values[::2], entry.values[1::2], strict=True):
            self._foreign += 1
            self._queues.append(("ZADD", key, place, b"%012d:" % self._foreign + value))

    def _rejected(self, entry: Entry) -> None:
        self._queues.append(("RPUSH", f"{self._shadow}rejected.{entry.name}", *entry.values))

    def _key(self, entry: Entry) -> str:
        if entry.name not in _PLAIN:
            raise ValueError
        return self._shadow + entry.name

    def _hash(self, entry: Entry) -> list[tuple[Any, ...]]:
        return [("HSET", self._key(entry), *entry.values)]

    def _string(self, entry: Entry) -> list[tuple[Any, ...]]:
        return [("SET", self._key(entry), entry.values[0])]

    def _stream(self, entry: Entry) -> list[tuple[Any, ...]]:
        return _added(self._key(entry), entry.values)

    def _zset(self, entry: Entry) -> list[tuple[Any, ...]]:
        return [("ZADD", self._key(entry), *_turned(entry.values))]

    def _chunk(self, entry: Entry) -> list[tuple[Any, ...]]:
        return [("SET", f"{self._shadow}data.{entry.name}.{int(entry.about['n'])}", entry.values[0])]

    def _version(self, entry: Entry) -> list[tuple[Any, ...]]:
        place = ("ZADD", f"{self._shadow}data.versions", b"%.0f" % entry.about["score"], entry.name)
        return [("HSET", f"{self._shadow}data.{entry.name}", *entry.values), place]

    def _current(self, entry: Entry) -> list[tuple[Any, ...]]:
        return [("SET", f"{self._shadow}data.current", entry.name)]


_COMMANDS: dict[str, Callable[[Staged, Entry], list[tuple[Any, ...]] | None]] = {
    "job": Staged._job,
    "gone": Staged._gone,
    "files": Staged._files,
    "log": Staged._log,
    "delivery": Staged._delivery,
    "batch": Staged._batch,
    "batch gone": Staged._batch_gone,
    "members": Staged._members,
    "todo": Staged._todo,
    "schedule": Staged._schedule,
    "foreign": Staged._foreign_entries,
    "rejected": Staged._rejected,
    "hash": Staged._hash,
    "string": Staged._string,
    "stream": Staged._stream,
    "zset": Staged._zset,
    "chunk": Staged._chunk,
    "version": Staged._version,
    "current": Staged._current,
}


def sweep(store: Store, token: str) -> None:
    """Remove all that lies under a token, and forget it."""
    for client in (store.records, store.queues):
        found: list[bytes] = []
        for key in client.scan_iter(match=f"{store.prefix}restore.{token}.*", count=1_000):
            found.append(key)
            if len(found) == _SENT_COMMANDS:
                client.unlink(*found)
                found.clear()
        if found:
            client.unlink(*found)
    store.records.zrem(f"{store.prefix}restore.loads", token)


def sweep_dead(store: Store) -> int:
    """Sweep away what loads have left whose process died, and restores that are over; the number of tokens."""
    loads = f"{store.prefix}restore.loads"
    now = store.read(lambda client: client.time())[0]
    dead = store.read(lambda client: client.zrangebyscore(loads, "-inf", now - SILENT))
    active = store.look(lambda client: client.get(f"{store.prefix}restoring"))
    for token in dead:
        if token != active:
            sweep(store, token.decode())
    return len(dead)


def _piped(client: "redis.Redis", commands: list[tuple[Any, ...]]) -> None:
    pipe: Any  # its methods are not typed
    with client.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        pipe.execute()


def _turned(values: list[bytes]) -> list[bytes]:
    """Member, score, ... as score, member, ..."""
    return [part for member, score in zip(values[::2], values[1::2], strict=True) for part in (score, member)]


def _added(key: str, values: list[bytes]) -> list[tuple[Any, ...]]:
    """Commands that add entries to a stream: id, number of values, field, value, ..."""
    commands: list[tuple[Any, ...]] = []
    place = 0
    while place < len(values):
        number = int(values[place + 1])
        commands.append(("XADD", key, values[place], *values[place + 2 : place + 2 + number]))
        place += 2 + number
    return commands
