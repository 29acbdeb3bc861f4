"""The shapes of what the API answers, for type checkers. At run time they are the dicts that the JSON was.

Newer services may send more keys than these; none of these goes away.
"""

from typing import Any, TypedDict


class Progress(TypedDict, total=False):
    """How far a running job is: `total` may be unknown."""

    done: float
    total: float | None
    note: str


class JobRecord(TypedDict, total=False):
    """A job, as GET /jobs/<id> shows it. Times are ISO 8601 in UTC."""

    id: str
    status: str
    operation: str
    input: dict[str, Any]
    queue: str
    priority: str
    result: Any
    error: dict[str, Any] | None
    progress: Progress | None
    partial: Any
    submitted: str | None
    due: str | None
    started: str | None
    ended: str | None
    attempt: int
    crashes: int
    lost: int
    retries: int
    releases: int
    run: int
    timeout: float
    retry: dict[str, Any]
    worker: str | None
    by: str | None
    cancel_requested: bool
    attempts: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    fingerprint: str | None
    notify: list[dict[str, Any]]
    depends_on: list[str]
    cached: str | None
    batch: str | None
    position: int | None
    schedule: str
    scheduled_for: str | None
    request_id: str
    traceparent: str
    eta: float | None
    eta_at: str | None
    files: list[str]


class FailureRecord(TypedDict):
    """Failed jobs that are alike. type, reason, message and job are those of the one submitted last."""

    fingerprint: str
    operation: str
    type: str
    reason: str
    message: str
    count: int
    first: str | None
    last: str | None
    job: str


class DeliveryRecord(TypedDict, total=False):
    """What one target (`webhook` or `email`) is told of one end, and what became of it. Times are ISO 8601 in UTC."""

    id: str
    webhook: str
    email: str
    event: str
    state: str
    created: str
    next: str | None
    attempts: list[dict[str, Any]]


class BatchRecord(TypedDict):
    """Many jobs under one id. Times are ISO 8601 in UTC."""

    id: str
    status: str
    queue: str
    total: int
    pending: int
    complete: int
    failed: int
    cancelled: int
    deduplicated: int
    conflicts: int
    eta: float | None
    by: str | None
    created: str | None
    ended: str | None
    request_id: str
    traceparent: str


class FileRecord(TypedDict):
    """A file that a job has made."""

    name: str
    content_type: str
    bytes: int
    url: str


class LogLine(TypedDict):
    """A line that a job has written."""

    id: str
    attempt: str
    line: str


class OperationRecord(TypedDict, total=False):
    """What a job can do. All but the first four stand in `Client.operation(name)` only."""

    name: str
    title: str
    summary: str
    url: str
    description: str
    timeout: float | None
    schema: dict[str, Any]
    template: dict[str, Any]


class QueueRecord(TypedDict, total=False):
    """What stands in a queue; ages in seconds."""

    name: str
    depth: int
    paused: bool
    paused_since: str | None
    draining: bool
    draining_since: str | None
    entries: dict[str, int]
    waiting: dict[str, int]
    in_flight: dict[str, int]
    scheduled: int
    running: int
    idle_children: int
    unserved: int
    limited: int
    rejected: int
    dead: int
    oldest_age: float
    oldest_ages: dict[str, float]
    oldest_unserved_age: float


class WorkerRecord(TypedDict, total=False):
    """A worker that beats, and what it says of itself."""

    name: str
    beat: str
    kind: str
    host: str
    pid: int
    queues: list[str]
    operations: list[str]
    operations_broken: list[dict[str, str]]
    children: int
    running: list[dict[str, Any]]
    deaths: int
    restarts: int
    stopping: bool
    draining: bool
    draining_since: str | None
    drained: bool
    version: str
    memory_bytes: int | None


class ScheduleRecord(TypedDict, total=False):
    """When which job is submitted: `cron` in `timezone`, or `every` so many seconds. Times are ISO 8601 in UTC."""

    id: str
    cron: str
    timezone: str
    every: float
    job: dict[str, Any]
    queue: str | None
    missed: str
    paused: bool
    by: str | None
    next: str | None
    upcoming: list[str]
    last: str | None
    last_job: str | None
    fired: int
    missed_count: int
    problem: str | None
    created: str
    updated: str


class RestoredRelease(TypedDict):
    """What a restore has put in place."""

    made: str
    made_by: str
    jobs: int
    seconds: float


class VersionRecord(TypedDict, total=False):
    """A version of the data, with the report of its loading."""

    id: str
    current: bool
    created: str
    rows: int
    bytes: int
    source: str
    job: str
    first: str | None
    last: str | None
    report: dict[str, Any]


class HistoryPoint(TypedDict, total=False):
    """What happened in one stretch of time, from `start` and `seconds` long. Jobs a second; times in seconds."""

    start: str
    seconds: float
    submitted: float
    completed: float
    failed: float
    cancelled: float
    retried: float
    wait_p50: float | None
    wait_p95: float | None
    run_p50: float | None
    run_p95: float | None
    depth: int
    running: int
    scheduled: int
    workers: int
    children: int


class FindingRecord(TypedDict):
    """What one check of the service has found; `status` is ok, unknown, warning or failed."""

    check: str
    status: str
    seen: str
    remedy: str


class Examination(TypedDict):
    """The worst status of all checks, and what each has found."""

    status: str
    checks: list[FindingRecord]


class Health(TypedDict):
    """What `Client.health` has found. Seconds; `clock_skew` is how far this machine's clock is ahead."""

    ready: bool
    detail: str
    checks: dict[str, Any]
    latency: float
    clock_skew: float
