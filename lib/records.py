"""A job as its record in Redis says it. Views make it for the API and for Python callers; nothing here writes."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lib.errors import InvalidInput
from lib.origin import checked
from lib.reading import ERROR, Reading, attempt_of, fields_of, run_of
from lib.states import FAILED, PRIORITIES, SCHEDULED, STATUSES
from lib.targets import shown

if TYPE_CHECKING:
    from lib.rq_face import RqJob

RECORD_VERSION = 1
ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}"
ID = re.compile(ID_PATTERN + r"\Z")  # what may be an id of a job, or of a batch
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


def idempotency_name(prefix: str, by: str | None, key: str) -> str:
    """The key in Redis of an Idempotency-Key of `by`. No name of a token has a slash, so that nobody comes upon another one's."""
    return f"{prefix}idempotency.{by or ''}/{key}"


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
    def from_hash(cls, raw: dict[bytes, bytes], jid: str) -> "Job | None":
        """Parse HGETALL of the record of `jid`; None for a missing record, a tombstone, or a hash that is not ours.

        What other programs have damaged is left out, and the error of the job names it: a record never raises.
        """
        values = fields_of(raw)
        return cls.from_values(values | {"id": jid} if "id" in values else values)

    @classmethod
    def from_values(cls, values: dict[str, str]) -> "Job | None":
        """As `from_hash`, of text."""
        if not values.keys() >= _NEEDED or values["status"] == "deleted":
            return None
        read = Reading(values)
        job = cls(
            id=values["id"],
            status=read.one_of("status", STATUSES, FAILED),
            operation=values["operation"],
            input=read.json("input", dict) or {},
            queue=values["queue"],
            priority=read.one_of("priority", PRIORITIES, "normal"),
            result=read.json("result"),
            error=read.object("error", ERROR),
            progress=read.progress("progress"),
            partial=read.json("partial"),
            submitted=read.time("submitted"),
            due=read.time("ready") if values["status"] == SCHEDULED else None,
            started=read.time("started"),
            ended=read.time("ended"),
            timeout=read.float("timeout"),
            retry={
                "max": read.int("max_retries"),
                "intervals": read.array("intervals", float, int),
                "jitter": read.float("jitter"),
            },
            worker=values.get("worker"),
            by=values.get("by"),
            cancel_requested="cancel_requested" in values,
            attempts=read.numbered("attempt.", attempt_of),
            runs=read.numbered("run.", run_of),
            depends_on=read.array("depends_on", str),
            cached=values.get("cached"),
            batch=values.get("batch"),
            start=values.get("start"),
            end=values.get("end"),
            fingerprint=values.get("fingerprint"),
            schedule=values.get("schedule"),
            scheduled_for=read.time("scheduled_for"),
            notify=read.array("notify", dict),
            request_id=values.get("request_id"),
            traceparent=checked(values.get("traceparent")),
            **{name: read.int(name) for name in ("attempt", "crashes", "lost", "retries", "releases", "run", "seq")},
        )
        if read.damaged:
            job.error = read.error()
        return job

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
