"""A job as its record in Redis says it. Views make it for the API and for Python callers; nothing here writes."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from lib.errors import InvalidInput
from lib.jsonable import iso_utc
from lib.targets import shown

if TYPE_CHECKING:
    from lib.rq_face import RqJob

RECORD_VERSION = 1
ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")  # what may be an id of a job
_NEEDED = {"v", "id", "status", "operation", "queue", "priority"}
# Fields of a record that are never large, which are enough for a list.
BRIEF = (
    *("v", "id", "status", "operation", "queue", "priority", "seq", "submitted", "ready", "started", "ended", "progress"),
    *("by", "worker", "attempt", "run", "cached", "batch", "fingerprint", "cancel_requested"),
)


def check_cursor(value: str | None) -> None:
    """Raises InvalidInput where it is no cursor of a page: a time in microseconds."""
    if value is not None and not (value.isascii() and value.isdigit() and len(value) <= 16):
        raise InvalidInput("cursor", "must be the cursor of the page before")


def iso(seconds: str | float | None) -> str | None:
    """Redis's time as ISO 8601 in UTC, with microseconds."""
    return None if not seconds else iso_utc(datetime.fromtimestamp(float(seconds), UTC))


def _json(value: str | None) -> Any:
    return None if value is None else orjson.loads(value)


@dataclass
class Job:
    """One job. Times are ISO 8601 in UTC; `result`, `error` and `progress` are JSON values."""

    id: str
    status: str
    operation: str
    input: dict[str, Any]
    queue: str
    priority: str
    result: Any = None
    error: dict[str, Any] | None = None
    progress: dict[str, Any] | None = None
    partial: Any = None  # what a running job has of its result
    submitted: str | None = None
    due: str | None = None  # when a scheduled job joins its queue
    started: str | None = None  # of the current or last attempt
    ended: str | None = None
    attempt: int = 0  # claims of this run, for people; the fencing token is what counts
    crashes: int = 0  # deaths of its process
    lost: int = 0  # leases that ended without evidence
    retries: int = 0
    releases: int = 0  # handed back uncharged
    run: int = 0  # explicit retries
    timeout: float = 0.0  # seconds
    retry: dict[str, Any] = field(default_factory=dict)
    worker: str | None = None
    by: str | None = None  # name of the token that submitted it
    cancel_requested: bool = False
    attempts: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    start: str | None = None  # the course's two fields, where the job was submitted with them
    end: str | None = None
    fingerprint: str | None = None  # of a failed job: those with the same one failed alike
    depends_on: list[str] = field(default_factory=list)  # jobs that must have ended before
    cached: str | None = None  # the job whose result it was given
    batch: str | None = None  # to which it belongs
    schedule: str | None = None  # which fired it, and the time it is for
    scheduled_for: str | None = None
    notify: list[dict[str, Any]] = field(default_factory=list)  # whom it tells of its end
    request_id: str | None = None  # of the request that submitted it
    traceparent: str | None = None  # the trace it belongs to
    seq: int = 0  # microseconds; orders jobs by submission, and is the cursor of lists

    @staticmethod
    def fetch(id: str) -> "RqJob":
        """A job of the environment's queue under the names that RQ gives it. Raises UnknownJob."""
        from lib.rq_face import fetch

        return fetch(id)

    @classmethod
    def from_hash(cls, raw: dict[bytes, bytes]) -> "Job | None":
        """Parse HGETALL of a record; None for a missing record, a tombstone, or a hash that is not ours."""
        return cls.from_values({key.decode(): value.decode("utf-8", "replace") for key, value in raw.items()})

    @classmethod
    def from_values(cls, values: dict[str, str]) -> "Job | None":
        """As `from_hash`, of text."""
        if not values.keys() >= _NEEDED or values["status"] == "deleted":
            return None
        return cls(
            id=values["id"],
            status=values["status"],
            operation=values["operation"],
            input=_json(values.get("input")) or {},
            queue=values["queue"],
            priority=values["priority"],
            result=_json(values.get("result")),
            error=_json(values.get("error")),
            progress=_json(values.get("progress")),
            partial=_json(values.get("partial")),
            submitted=iso(values.get("submitted")),
            due=iso(values.get("ready")) if values["status"] == "scheduled" else None,
            started=iso(values.get("started")),
            ended=iso(values.get("ended")),
            timeout=float(values.get("timeout", 0)),
            retry={
                "max": int(values.get("max_retries", 0)),
                "intervals": _json(values.get("intervals")) or [],
                "jitter": float(values.get("jitter", 0)),
            },
            worker=values.get("worker"),
            by=values.get("by"),
            cancel_requested="cancel_requested" in values,
            attempts=_numbered(values, "attempt."),
            runs=_numbered(values, "run."),
            depends_on=_json(values.get("depends_on")) or [],
            cached=values.get("cached"),
            batch=values.get("batch"),
            start=values.get("start"),
            end=values.get("end"),
            fingerprint=values.get("fingerprint"),
            schedule=values.get("schedule"),
            scheduled_for=iso(values.get("scheduled_for")),
            notify=_json(values.get("notify")) or [],
            request_id=values.get("request_id"),
            traceparent=values.get("traceparent"),
            **{name: int(values.get(name, 0)) for name in ("attempt", "crashes", "lost", "retries", "releases", "run", "seq")},
        )

    def to_dict(self) -> dict[str, Any]:
        """The record as HTTP shows it: every field, but those of few jobs only where there are any."""
        record = dict(self.__dict__)
        del record["seq"]
        if self.start is None:
            del record["start"], record["end"]
        if self.schedule is None:
            del record["schedule"], record["scheduled_for"]
        del record["notify"]
        if self.notify:
            record["notify"] = shown(self.notify)
        for name in ("request_id", "traceparent"):
            if record[name] is None:
                del record[name]
        return record


def _numbered(values: dict[str, str], prefix: str) -> list[dict[str, Any]]:
    """The entries `<prefix><n>` in order of n, their times as ISO 8601."""
    numbers = sorted(int(key.removeprefix(prefix)) for key in values if key.startswith(prefix))
    return [_with_iso_times(orjson.loads(values[f"{prefix}{n}"])) for n in numbers]


def _with_iso_times(entry: dict[str, Any]) -> dict[str, Any]:
    entry |= {name: iso(entry.get(name)) for name in ("started", "ended")}
    if "attempts" in entry:
        entry["attempts"] = [_with_iso_times(attempt) for attempt in entry["attempts"]]
    return entry
