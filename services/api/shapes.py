"""The shapes of what the API answers, for the OpenAPI document. No answer is made from them, so they cost no request.

Tests compare real answers with them. A newer service may say more than what stands here; nothing here goes away.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, WithJsonSchema
from typing_extensions import TypeAliasType, TypedDict

from lib.states import PRIORITIES, STATUSES


def moment(description: str) -> Any:
    return Field(description=description, json_schema_extra={"format": "date-time"})


# Generators of clients stumble over a list of types, an array without items and a schema that refers to itself.
_ANY_JSON = {
    "description": "Any JSON value: whatever the operation returned.",
    "anyOf": [
        {"type": "object", "additionalProperties": True},
        {"type": "array", "items": {"description": "Any JSON value."}},
        *({"type": name} for name in ("string", "number", "boolean", "null")),
    ],
}
JsonValue = TypeAliasType("JsonValue", Annotated[Any, WithJsonSchema(_ANY_JSON)])
JsonObject = dict[str, JsonValue]
Count = Annotated[int, Field(ge=0)]
Status = Annotated[str, WithJsonSchema({"type": "string", "enum": list(STATUSES)})]
Priority = Annotated[str, WithJsonSchema({"type": "string", "enum": list(PRIORITIES)})]
Ended = Annotated[str | None, moment("When it ended.")]


class Problem(TypedDict):
    """Problem details (RFC 9457): every error has this shape, under `application/problem+json`."""

    type: Annotated[str, Field(description="Which kind of error; the page at this address explains it. Stable.")]
    title: Annotated[str, Field(description="The kind in words.")]
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(description="What is wrong here, and what would be right.")]
    field: NotRequired[Annotated[str, Field(description="The first field that is wrong, with dots: `params.n`.")]]
    errors: NotRequired[Annotated[list["FieldError"], Field(description="All fields that are wrong.")]]
    request_id: Annotated[str | None, Field(description="Under which the service's log has this request.")]


class FieldError(TypedDict):
    """One field and what is wrong with it."""

    field: str
    message: str


class JobError(TypedDict):
    """Why a job or an attempt failed."""

    type: Annotated[str, Field(description="Class of the exception, or WorkerCrash, JobTimeout, ...")]
    message: str
    reason: Annotated[str, Field(description="exception, timeout, crash, lost, memory, invalid, ...")]
    fingerprint: NotRequired[Annotated[str, Field(description="Made of operation, type and traceback; of an exception.")]]
    traceback: NotRequired[str]
    evidence: NotRequired[Annotated[JsonObject | None, Field(description="Signal, memory and last lines of a dead process.")]]


class Attempt(TypedDict):
    """What became of one attempt."""

    attempt: int
    outcome: str
    started: Annotated[str | None, moment("When it began.")]
    ended: Ended
    worker: str
    error: JobError | None


class Run(TypedDict):
    """A run that ended before an explicit retry."""

    run: int
    status: Status
    started: Annotated[str | None, moment("When its last attempt began.")]
    ended: Ended
    error: JobError | None
    attempts: list[Attempt]


class Progress(TypedDict):
    """How far a running job is."""

    done: float
    total: float | None
    note: str


class RetryPolicy(TypedDict):
    """What happens after an exception or a timeout."""

    max: Count
    intervals: Annotated[list[float], Field(description="Seconds before each retry.")]
    jitter: float


class NotifyTarget(TypedDict):
    """Somebody who is told of the end of a job: webhook or email."""

    webhook: NotRequired[Annotated[str, Field(description="URL; its query string is masked.")]]
    email: NotRequired[str]
    on: Annotated[list[Literal["complete", "failed", "cancelled"]], Field(description="Ends to be told of.")]


class JobRecord(TypedDict):
    """A job. All times are ISO 8601 in UTC."""

    id: str
    status: Status
    operation: str
    input: Annotated[JsonObject, Field(description="What was submitted, as it was submitted.")]
    queue: str
    priority: Priority
    result: JsonValue
    error: JobError | None
    progress: Progress | None
    partial: Annotated[JsonValue, Field(description="What a running job has of its result so far.")]
    submitted: Annotated[str | None, moment("When it was accepted.")]
    due: Annotated[str | None, moment("When a scheduled job joins its queue.")]
    started: Annotated[str | None, moment("When the current or last attempt began.")]
    ended: Ended
    attempt: Annotated[Count, Field(description="Attempts of this run so far.")]
    crashes: Annotated[Count, Field(description="Seen deaths of its process.")]
    lost: Annotated[Count, Field(description="Leases that ended without evidence.")]
    retries: Count
    releases: Annotated[Count, Field(description="How often it was handed back uncharged.")]
    run: Annotated[Count, Field(description="Explicit retries.")]
    timeout: Annotated[float, Field(description="Seconds a run may take.")]
    retry: RetryPolicy
    worker: str | None
    by: Annotated[str | None, Field(description="Name of the token that submitted it.")]
    cancel_requested: bool
    attempts: list[Attempt]
    runs: list[Run]
    fingerprint: Annotated[str | None, Field(description="Of a failed job: those with the same one failed alike.")]
    depends_on: Annotated[list[str], Field(description="Ids of the jobs that must have ended before it runs.")]
    cached: Annotated[str | None, Field(description="The job whose result it was given.")]
    batch: Annotated[str | None, Field(description="The batch to which it belongs.")]
    start: NotRequired[Annotated[str | None, Field(description="Only where the job was submitted with start and end.")]]
    end: NotRequired[str | None]
    schedule: NotRequired[Annotated[str, Field(description="Only where a schedule fired it.")]]
    scheduled_for: NotRequired[
        Annotated[str | None, moment("The time of the schedule that it is for; null where it was triggered.")]
    ]
    notify: NotRequired[Annotated[list[NotifyTarget], Field(description="Who is told of its end; only where somebody is.")]]
    request_id: NotRequired[Annotated[str, Field(description="X-Request-ID of the request that submitted it.")]]
    traceparent: NotRequired[Annotated[str, Field(description="The trace it belongs to, as W3C's header says it.")]]
    position: NotRequired[Annotated[int | None, Field(description="Jobs that run before it; while it waits.")]]
    eta: NotRequired[
        Annotated[
            float | None, Field(description="Seconds until it will have ended, by how long others ran; null where unknown.")
        ]
    ]
    eta_at: NotRequired[Annotated[str | None, moment("When it will have ended, by that.")]]
    files: NotRequired[Annotated[list[str], Field(description="Names of its files; once it is complete.")]]


class Event(TypedDict, total=False):
    """One event of a stream."""

    event: Annotated[str, Field(description="status, progress, partial, action, job, log or reset.")]
    id: Annotated[str, Field(description="For Last-Event-ID.")]
    data: Annotated[str, Field(description="A JSON object.")]
    retry: Annotated[int, Field(description="Milliseconds after which to connect again.")]


class JobPage(TypedDict):
    """Jobs, the newest first."""

    jobs: list[JobRecord]
    next: Annotated[str | None, Field(description="The cursor of the next page; null on the last.")]
    searched_to: Annotated[
        str | None,
        moment("Where a page ended because it had looked at enough jobs: the next one goes on with those before then."),
    ]


class Unfinished(TypedDict):
    """There is no result yet."""

    id: str
    status: Literal["waiting", "scheduled", "submitted", "in-progress"]
    partial: NotRequired[Annotated[JsonValue, Field(description="What it has of its result so far, if it shows any.")]]


class FileRecord(TypedDict):
    """A file that a job has made."""

    name: str
    content_type: str
    bytes: Count
    url: str


class Files(TypedDict):
    files: list[FileRecord]


class LogLine(TypedDict):
    """A line that a job has written."""

    id: str
    attempt: str
    line: str


class LogPage(TypedDict):
    """Lines of a job's log, the oldest first."""

    lines: list[LogLine]
    next: Annotated[str | None, Field(description="`after` of the next page, also for lines that are still to come.")]


class CourseAccepted(TypedDict):
    """The course's answer to a submit."""

    job_id: str
    status: Literal["submitted"]


class CourseRecord(TypedDict):
    """The course's record of a job."""

    id: str
    status: Status
    input: JsonObject
    result: JsonValue


class OperationBrief(TypedDict):
    """What a job can do."""

    name: str
    title: str
    summary: str
    url: str


class Template(TypedDict):
    """A body for POST /jobs that works as it stands."""

    operation: str
    params: JsonObject


class OperationRecord(OperationBrief):
    """What a job can do, with the JSON Schema of its parameters."""

    description: str
    timeout: Annotated[float | None, Field(description="Seconds; null: the setting JOB_TIMEOUT.")]
    schema: JsonObject
    template: Template


class Operations(TypedDict):
    operations: list[OperationBrief]


class ByPriority(TypedDict):
    high: Count
    normal: Count
    low: Count


class AgeByPriority(TypedDict):
    high: float
    normal: float
    low: float


class QueueRecord(TypedDict):
    """What stands in a queue; ages in seconds."""

    name: str
    depth: Annotated[Count, Field(description="Entries that will run.")]
    paused: bool
    paused_since: Annotated[str | None, moment("Since when it is paused.")]
    draining: Annotated[bool, Field(description="Whether it accepts nothing.")]
    draining_since: Annotated[str | None, moment("Since when it accepts nothing.")]
    entries: ByPriority
    waiting: ByPriority
    in_flight: Annotated[ByPriority, Field(description="Jobs that run now.")]
    scheduled: Count
    running: Count
    idle_children: Count
    unserved: Annotated[Count, Field(description="Jobs laid aside, because no worker knows their operation.")]
    limited: Annotated[Count, Field(description="Jobs laid aside until others of their concurrency key have ended.")]
    rejected: Annotated[Count, Field(description="Entries that could not be read.")]
    dead: Annotated[Count, Field(description="Entries of jobs that were cancelled meanwhile.")]
    oldest_age: float
    oldest_ages: Annotated[AgeByPriority, Field(description="Age of the job that has waited longest.")]
    oldest_unserved_age: float


class Purged(TypedDict):
    """What a purge has done."""

    cancelled: Annotated[Count, Field(description="Jobs.")]
    foreign: Annotated[Count, Field(description="Entries of other programs: left there, or dropped where foreign is true.")]
    left: Annotated[Count, Field(description="Entries that were not looked at; ask again.")]
    queue: QueueRecord


class Queues(TypedDict):
    queues: list[QueueRecord]


class BrokenOperation(TypedDict):
    """A file of operations that cannot be used."""

    file: str
    reason: Annotated[str, Field(description="With the line where there is one.")]


class WorkerRecord(TypedDict):
    """A worker that beats, and what it says of itself."""

    name: str
    kind: NotRequired[
        Annotated[Literal["worker", "consumer"], Field(description="Consumers are programs that take messages themselves.")]
    ]
    beat: Annotated[str | None, moment("When it last said that it lives.")]
    host: NotRequired[str]
    pid: NotRequired[int]
    queues: NotRequired[list[str]]
    operations: NotRequired[list[str]]
    operations_broken: NotRequired[Annotated[list[BrokenOperation], Field(description="Files that it cannot use.")]]
    children: NotRequired[Count]
    running: Annotated[list["RunningJob"], Field(description="What its children hold now.")]
    draining: Annotated[bool, Field(description="Whether it takes no more jobs.")]
    draining_since: Annotated[str | None, moment("When it was told to take no more.")]
    drained: Annotated[bool, Field(description="Whether it has heard of that and runs nothing any more.")]
    version: NotRequired[Annotated[str, Field(description="Of the package.")]]
    memory_bytes: NotRequired[Annotated[int | None, Field(description="Of all its processes, what they share counted once.")]]
    deaths: NotRequired[Count]
    restarts: NotRequired[Count]
    stopping: NotRequired[bool]


class RunningJob(TypedDict):
    """A job in the hands of a child."""

    child: str
    job: str
    operation: str
    started: Annotated[str | None, moment("When it was claimed.")]
    seconds: float


class Workers(TypedDict):
    workers: list[WorkerRecord]
