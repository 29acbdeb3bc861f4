"""The event stream, followed while everything around it is killed, and what stands in Redis at the end.

The stream is capped, so a thread reads it live and survives restarts of Redis; `complete` says whether anything was missed.
"""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import redis

from lib.connections import connect
from lib.settings import Settings


@dataclass(frozen=True)
class Event:
    """One move of one job. `time` is Redis's, seconds."""

    time: float
    job: str
    status: str
    attempt: int
    token: str
    reason: str

    def __str__(self) -> str:
        return f"{self.time:.3f} {self.status} ({self.reason or '-'}), attempt {self.attempt}, token {self.token or '-'}"


class History:
    """Reads `events` in a thread from the beginning until `stop`.

    Args:
        settings: of the release; not through a proxy.
        follow: False where so little happens that `stop` reads all of it.
    """

    def __init__(self, settings: Settings, follow: bool = True) -> None:
        self.settings = settings
        self.events: list[Event] = []
        self.notes: list[str] = []
        self.seen: set[str] = set()  # jobs of which there was any event
        self.ended: set[str] = set()  # jobs whose last event is a terminal one
        self._last = b"0"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="history", daemon=True) if follow else None
        if self._thread is not None:
            self._thread.start()

    def _follow(self) -> None:
        with connect(self.settings, self.settings.redis_db) as client:
            while not self._stop.is_set():
                try:
                    self._read(client, block=200)
                except (redis.RedisError, OSError):
                    time.sleep(0.05)

    def _read(self, client: Any, block: int | None) -> bool:
        reply = client.xread({f"{self.settings.key_prefix}events": self._last}, count=2_000, block=block)
        for _, entries in reply or []:
            for entry, raw in entries:
                self._last = entry
                values = {key.decode(): value.decode() for key, value in raw.items()}
                self._add(int(entry.split(b"-")[0]) / 1000, values)
        return bool(reply)

    def _add(self, at: float, values: dict[str, str]) -> None:
        if "action" in values:  # of a caller, and no move of a job
            self.notes.append(values["action"])
            return
        event = Event(at, values["id"], values["status"], int(values["attempt"]), values["token"], values["reason"])
        self.events.append(event)
        self.seen.add(event.job)
        if event.status in ("complete", "failed", "cancelled"):
            self.ended.add(event.job)
        elif event.status in ("submitted", "scheduled"):
            self.ended.discard(event.job)

    def end(self) -> None:
        """Stop following."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def read_to(self, entry: bytes) -> bool:
        """Whether the stream was read up to that entry."""
        return _order(self._last) >= _order(entry)

    def stop(self) -> "Remains":
        """Stop following, read what is left, and take everything that stands in Redis."""
        self.end()
        with connect(self.settings, self.settings.redis_db) as client:
            while self._read(client, block=None):
                pass
            info: Any = (
                client.xinfo_stream(f"{self.settings.key_prefix}events") if self.events or self.notes else {"entries-added": 0}
            )
        remains = take(self.settings)
        remains.events = self.events
        remains.missed = int(info["entries-added"]) - len(self.events) - len(self.notes)
        return remains


def _order(entry: bytes) -> tuple[int, ...]:
    return tuple(map(int, entry.split(b"-")))


@dataclass
class Remains:
    """All that is known at the end: events, and every key of the release, by database."""

    settings: Settings
    records: dict[str, dict[str, str]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)  # name without prefix -> value of lists, sets, hashes
    ttls: dict[str, int] = field(default_factory=dict)  # the same names -> seconds, -1 without expiry
    events: list[Event] = field(default_factory=list)
    missed: int = 0
    now: float = 0.0


def take(settings: Settings) -> Remains:
    """Every key of the release as it is now, without events."""
    remains = Remains(settings)
    for db in {settings.redis_db, settings.queue_db}:
        with connect(settings, db) as client:
            seconds, micros = client.time()  # type: ignore[misc]
            remains.now = seconds + micros / 1e6
            names = {raw: name for raw in client.scan_iter(count=1000) if (name := plain(raw.decode(), settings.key_prefix))}
            kinds = _ask(client, [("type", raw) for raw in names] + [("ttl", raw) for raw in names])
            for (raw, name), kind, ttl in zip(names.items(), kinds, kinds[len(names) :], strict=False):
                if kind != b"none":
                    remains.ttls[name] = ttl
                    _take_key(remains, client, raw, name, kind)
    return remains


def plain(key: str, prefix: str) -> str | None:
    """A key's name without the prefix; None for a key of another release."""
    if key.startswith("hotqueue:"):
        rest = key.removeprefix("hotqueue:")
        return "hotqueue:" + rest.removeprefix(prefix) if rest.startswith(prefix) else None
    return key.removeprefix(prefix) if key.startswith(prefix) else None


def _ask(client: Any, commands: list[tuple[str, bytes]]) -> list[Any]:
    """Many commands in one round trip."""
    pipeline = client.pipeline(transaction=False)
    for command, key in commands:
        pipeline.execute_command(command, key)
    found: list[Any] = pipeline.execute()
    return found


def _take_key(remains: Remains, client: Any, raw: bytes, name: str, kind: bytes) -> None:
    if kind == b"hash":
        value: Any = {k.decode(): v.decode("utf-8", "replace") for k, v in client.hgetall(raw).items()}
    elif kind == b"zset":
        value = {k.decode(): score for k, score in client.zrange(raw, 0, -1, withscores=True)}
    elif kind == b"list":
        value = [entry.decode("utf-8", "replace") for entry in client.lrange(raw, 0, -1)]
    elif kind == b"string":
        value = (client.get(raw) or b"").decode("utf-8", "replace")  # it may have expired just now
    else:
        value = None
    remains.keys[name] = value
    if name == "metrics":
        remains.counters = {field: int(number) for field, number in value.items()}
    elif name.startswith("job.") and name.count(".") == 1:
        remains.records[name.removeprefix("job.")] = value
