"""Entries of the stream `events` and of a job's log as clients see them, and whether a place in the stream can be gone on from.

Only what is named here leaves the service: an event's fencing token does not.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import redis

from lib.reading import iso, number_of, object_of, text_of
from lib.states import TERMINAL
from lib.store import Store

Place = tuple[int, int]  # an entry id: milliseconds, and a number within them
START: Place = (0, 0)
PAGE = 1_000  # entries read at once
_ENDS = TERMINAL | {"deleted", "expired"}
_PLACE = re.compile(r"(\d{1,19})-(\d{1,19})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: status, progress, partial, action or log. `place` is in the stream that it comes from."""

    place: Place
    kind: str
    job: str
    data: dict[str, Any]

    @property
    def stream(self) -> str:
        """Where its place is: in the `log`, or as an `event`."""
        return "log" if self.kind == "log" else "event"

    @property
    def ends(self) -> bool:
        """Whether nothing more will happen to this job, unless it is run again."""
        return self.kind == "status" and self.data["status"] in _ENDS


@dataclass(frozen=True)
class Now:
    """What stood in Redis at one moment: the last place of `events`, and of one job its status and last place of the log."""

    last: Place
    continues: bool
    status: str | None = None
    log: Place = START


def place_of(text: str | bytes) -> Place | None:
    """An entry id as a place; None where it is none."""
    match = _PLACE.match(text.decode() if isinstance(text, bytes) else text)
    return None if match is None else (int(match[1]), int(match[2]))


def shown(place: Place) -> str:
    """A place as an entry id."""
    return f"{place[0]}-{place[1]}"


def look(rd: redis.Redis, prefix: str, job: str | None = None, since: Place | None = None) -> Now:
    """Read `Now` in one round trip.

    Args:
        since: `continues` says whether everything after this place is still there. It is where the entry of that place is.
    """
    pipeline = rd.pipeline(transaction=False)
    pipeline.xinfo_stream(f"{prefix}events")
    pipeline.xrange(f"{prefix}events", shown(since or START), shown(since or START), 1)
    if job is not None:
        pipeline.hget(f"{prefix}job.{job}", "status")
        pipeline.xrevrange(f"{prefix}job.{job}.log", count=1)
    about, there, *rest = pipeline.execute(raise_on_error=False)
    failed = next((each for each in (about, there) if isinstance(each, Exception)), None)
    if failed is not None and not str(failed).startswith("no such key"):
        raise failed
    last = START if failed else place_of(about["last-generated-id"]) or START
    whole = failed is not None or about.get("entries-added") == about["length"]
    continues = since is None or since == last or (bool(there) if since != START else whole)
    status, log = rest if rest and not any(isinstance(each, Exception) for each in rest) else (None, None)
    place = place_of(log[0][0]) if log else None
    if status == b"deleted":  # a tombstone, where the id may still be listed
        status = None
    return Now(last, continues, None if status is None else text_of(status), place or START)


def job_of(fields: dict[bytes, bytes]) -> str:
    """The job that a raw event is about; empty for what never became one."""
    return text_of(fields.get(b"id", b""))


def event(entry_id: bytes, fields: dict[bytes, bytes]) -> Entry:
    """A raw entry of `events`: what happened to a job, or what a caller did."""
    if b"action" in fields:
        return _action(entry_id, fields)
    text = {name: text_of(fields.get(name.encode(), b"")) for name in ("id", "status", "reason")}
    place = place_of(entry_id) or START
    data = {
        "id": text["id"] or None,
        "status": text["status"],
        "attempt": number_of(fields.get(b"attempt")),
        "reason": text["reason"] or None,
        "at": iso(place[0] / 1000),
    }
    if b"by" in fields:
        data["by"] = text_of(fields[b"by"])
    return Entry(place, text["reason"] if text["reason"] in ("progress", "partial") else "status", text["id"], data)


def _action(entry_id: bytes, fields: dict[bytes, bytes]) -> Entry:
    place = place_of(entry_id) or START
    names = ("action", "target", "by", "request_id")
    data = {name: text_of(fields.get(name.encode(), b"")) for name in names}
    return Entry(place, "action", "", data | {"at": iso(place[0] / 1000)})


def line(job: str, entry_id: bytes, fields: dict[bytes, bytes]) -> Entry:
    """A raw entry of a job's log."""
    place = place_of(entry_id) or START
    data = {
        "id": job,
        "attempt": number_of(fields.get(b"attempt")),
        "line": text_of(fields.get(b"line", b"")),
        "entry": shown(place),
        "at": iso(place[0] / 1000),
    }
    return Entry(place, "log", job, data)


def add_progress(store: Store, entries: Iterable[Entry]) -> None:
    """Write into entries of progress how far their jobs are now. Raises StoreUnavailable."""
    moved = [entry for entry in entries if entry.kind == "progress"]
    names = list({entry.job for entry in moved})
    if not names:
        return

    def ask(pipeline: Any) -> None:
        for name in names:
            pipeline.hget(f"{store.prefix}job.{name}", "progress")

    known = dict(zip(names, store.read_each(ask), strict=True))
    for entry in moved:
        if (value := known[entry.job]) is not None:
            entry.data["progress"] = object_of(value)


def events_between(store: Store, after: Place, until: Place, job: str | None) -> Iterator[list[Entry]]:
    """Pages of the events after one place up to another, of one job or of all. Raises StoreUnavailable."""
    while after < until:
        raw = _page(store, "events", after, shown(until))
        found = [event(*each) for each in raw if job is None or job_of(each[1]) == job]
        add_progress(store, found)
        yield found
        if len(raw) < PAGE:
            return
        after = place_of(raw[-1][0]) or until


def lines_after(store: Store, after: Place, job: str) -> Iterator[list[Entry]]:
    """Pages of a job's log after one place, up to its end. Raises StoreUnavailable."""
    while True:
        raw = _page(store, f"job.{job}.log", after, "+")
        found = [line(job, *each) for each in raw]
        yield found
        if len(raw) < PAGE:
            return
        after = found[-1].place


def _page(store: Store, name: str, after: Place, until: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    raw: list[tuple[bytes, dict[bytes, bytes]]]
    raw = store.read(lambda rd: rd.xrange(f"{store.prefix}{name}", f"({shown(after)}", until, PAGE), [])
    return raw
