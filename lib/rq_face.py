"""RQ's face on the queue: `enqueue`, `enqueue_at`, `enqueue_in`, `Queue` and `Job.fetch`, with RQ's options and names.

For programs that come from there. What is enqueued is a registered operation or its function, never an import path: nothing
is imported because a job names it. An option that would not be kept is refused. Interface: rq 3.0.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from lib.engine import Jobs
from lib.errors import InvalidInput, UnknownJob
from lib.records import Job
from lib.retries import Retry
from lib.settings import load_settings
from lib.states import CANCELLED, COMPLETE, FAILED, IN_PROGRESS, SCHEDULED, SUBMITTED, WAITING
from lib.submission import Submission

if TYPE_CHECKING:
    from lib.operations import Catalog

# Our states by RQ's words.
STATUSES = {
    **{SUBMITTED: "queued", IN_PROGRESS: "started", WAITING: "deferred", SCHEDULED: "scheduled"},
    **{COMPLETE: "finished", FAILED: "failed", CANCELLED: "canceled"},
}
# RQ's options that nothing here would keep, and what there is instead.
_REFUSED = {
    "ttl": "a waiting job does not expire here; cancel it",
    "description": "the record shows the operation and its parameters",
    "meta": "say progress() and log() of lib.operations from inside the operation",
    "on_success": "enqueue a second job with depends_on, or say notify in POST /jobs: webhooks and e-mails",
    "on_failure": "enqueue a second job with depends_on, or say notify in POST /jobs: webhooks and e-mails",
    "on_stopped": "say notify in POST /jobs: webhooks and e-mails",
    "pipeline": "Jobs.submit_many submits many jobs in one round trip",
    "repeat": "make a schedule: Jobs.put_schedule, POST /schedules, or trafficjobs schedule new",
    "connection": "REDIS_URL, REDIS_IP and the other settings of the environment say where Redis is",
    "is_async": "lib.operations.run runs an operation here and now",
}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


@cache
def _environments() -> Jobs:
    """The queue of the environment, which knows the operations."""
    from lib.operations import load_catalog  # imports pandas, which not every user of lib.jobs needs

    settings = load_settings()
    return Jobs(settings, load_catalog(settings.operations_dir))


class Queue:
    """One queue, as RQ has it.

    Args:
        name: one of QUEUE_NAME and QUEUES; the default queue where None.
        jobs: the queue to use, with its catalog; made from the environment by default.
    """

    def __init__(self, name: str | None = None, *, jobs: Jobs | None = None, **options: Any) -> None:
        _refuse(options)
        self.jobs = jobs or _environments()
        self.name = name or self.jobs.settings.queue_name

    def enqueue(self, operation: str | Callable[..., Any], *args: Any, **options: Any) -> "RqJob":
        """Submit a job now.

        Args:
            operation: a registered name, or the registered function.
            args: its parameters in the order of its signature.
            options: its parameters by name, and RQ's own: `job_id`, `job_timeout` (seconds, or "10m"), `result_ttl`,
                `failure_ttl`, `retry=Retry(max=3, interval=[10, 60])`, `depends_on`, `at_front` (before all but others at the
                front); `args` and `kwargs` where a parameter has the name of an option.

        Raises: TypeError for an option or an operation that is none; InvalidInput, QueueFull, StoreUnavailable as Jobs.submit.
        """
        return self._enqueue(operation, args, options, {})

    def enqueue_at(self, when: datetime, operation: str | Callable[..., Any], *args: Any, **options: Any) -> "RqJob":
        """Submit a job for a time; one without a zone is local time, one that is over means now. As `enqueue` otherwise."""
        return self._enqueue(operation, args, options, {"run_at": when.timestamp()})

    def enqueue_in(self, delay: timedelta, operation: str | Callable[..., Any], *args: Any, **options: Any) -> "RqJob":
        """Submit a job that waits first. As `enqueue` otherwise."""
        return self._enqueue(operation, args, options, {"run_in": max(0.0, delay.total_seconds())})

    def fetch_job(self, id: str) -> "RqJob | None":
        """The job; None where there is none of that id in this queue."""
        try:
            job = fetch(id, self.jobs)
        except UnknownJob:
            return None
        return job if job.origin == self.name else None

    def __len__(self) -> int:
        return self.jobs.queue(self.name).depth

    count = property(__len__)

    def _enqueue(self, operation: Any, args: tuple[Any, ...], options: dict[str, Any], when: dict[str, float]) -> "RqJob":
        assert self.jobs.catalog is not None
        name = name_of(operation, self.jobs.catalog)
        args = (*args, *(options.pop("args", None) or ()))
        named = dict(options.pop("kwargs", None) or {})
        fields = _fields(options) | when
        params = _by_name(self.jobs.catalog.get(name).params_model.model_fields, name, args, options | named)
        accepted = self.jobs.submit(Submission(name, params, **fields), queue=self.name)
        return fetch(accepted.id, self.jobs)


def enqueue(operation: str | Callable[..., Any], *args: Any, **options: Any) -> "RqJob":
    """`Queue().enqueue`: submit a job to the default queue of the environment."""
    return Queue().enqueue(operation, *args, **options)


def enqueue_at(when: datetime, operation: str | Callable[..., Any], *args: Any, **options: Any) -> "RqJob":
    """`Queue().enqueue_at`: submit a job for a time."""
    return Queue().enqueue_at(when, operation, *args, **options)


def enqueue_in(delay: timedelta, operation: str | Callable[..., Any], *args: Any, **options: Any) -> "RqJob":
    """`Queue().enqueue_in`: submit a job that waits first."""
    return Queue().enqueue_in(delay, operation, *args, **options)


def fetch(id: str, jobs: Jobs | None = None) -> "RqJob":
    """The job of an id, of the environment's queue by default. Raises UnknownJob."""
    jobs = jobs or _environments()
    return RqJob(jobs.get(id), jobs)


def name_of(operation: str | Callable[..., Any], catalog: "Catalog") -> str:
    """The registered name of an operation or of its function. Raises TypeError for an import path and for an unknown one."""
    if isinstance(operation, str):
        if operation in catalog:
            return operation
        if re.search(r"[.:]", operation):
            last = re.split(r"[.:]", operation)[-1]
            raise TypeError(
                f"{operation!r} is an import path, and nothing is imported because a job names it; register the function with"
                f" @operation in a file of OPERATIONS_DIR and enqueue {last!r}"
            )
        return catalog.get(operation).name  # raises, with the nearest name
    for each in catalog:
        if each.function is operation or _place(each.function) == _place(operation):
            return each.name
    raise TypeError(
        f"{getattr(operation, '__qualname__', operation)!r} is no registered operation; workers run only those. Put @operation of"
        " lib.operations before it, in a file of OPERATIONS_DIR"
    )


def _place(function: Any) -> Any:
    """Where a function is written: a file of operations that is imported elsewhere too has its functions twice."""
    code: Any = getattr(function, "__code__", None)
    return (code.co_filename, code.co_qualname) if code else function


def _refuse(options: Mapping[str, Any]) -> None:
    for name in options:
        if name in _REFUSED:
            raise TypeError(f"{name} is an option of RQ that is not kept here: {_REFUSED[name]}")


def _fields(options: dict[str, Any]) -> dict[str, Any]:
    """Take RQ's options out; the fields of a Submission that they mean."""
    _refuse(options)
    given = {name: options.pop(name) for name in _TAKEN if name in options}
    fields = {_TAKEN[name][0]: _TAKEN[name][1](value) for name, value in given.items() if value is not None}
    return {name: value for name, value in fields.items() if value is not None}


def _timeout(value: float | str) -> float:
    """RQ's job_timeout: seconds, or a number with s, m, h or d."""
    if isinstance(value, str):
        found = re.fullmatch(r"(\d+)([smhd]?)", value.strip().lower())
        if found is None:
            raise InvalidInput("job_timeout", f"{value!r} is no number of seconds, nor one with s, m, h or d")
        return float(found[1]) * _SECONDS[found[2]]
    if value < 0:
        raise InvalidInput("job_timeout", "a run cannot take for ever here; MAX_TIMEOUT is the longest")
    return value


def _kept_for(name: str) -> Callable[[int], int]:
    def seconds(value: int) -> int:
        if value < 1:
            raise InvalidInput(name, f"is {value}; a job is kept for a time here, so say a number of seconds from 1 on")
        return value

    return seconds


def _retry(value: Retry) -> Retry:
    if not isinstance(value, Retry):
        raise TypeError(f"retry must be lib.jobs.Retry(max=..., interval=...), not {type(value).__name__}")
    return value


def _parents(value: Any) -> list[str]:
    """The ids of a job, or of several, each given as a job or by its id."""
    several = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    if not all(isinstance(each, str | RqJob | Job) for each in several):
        raise TypeError("depends_on must be jobs or their ids; allow_failure of RQ's Dependency is a field of Submission here")
    return [each if isinstance(each, str) else each.id for each in several]


# RQ's options that are kept: the field of a Submission, and how its value is made.
_TAKEN: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "job_id": ("id", str),
    "job_timeout": ("timeout", _timeout),
    "result_ttl": ("result_ttl", _kept_for("result_ttl")),
    "failure_ttl": ("failed_ttl", _kept_for("failure_ttl")),
    "retry": ("retry", _retry),
    "depends_on": ("depends_on", _parents),
    "at_front": ("priority", lambda front: "high" if front else None),
}


def _by_name(parameters: Iterable[str], operation: str, args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """All parameters by name, also those that were given by their place."""
    names = list(parameters)
    if len(args) > len(names):
        raise TypeError(f"{operation} takes {len(names)} parameters ({', '.join(names) or 'none'}), and {len(args)} were given")
    placed = dict(zip(names, args, strict=False))
    if twice := placed.keys() & named.keys():
        raise TypeError(f"{operation} was given {', '.join(sorted(twice))} twice, by place and by name")
    return placed | named


class RqJob:
    """A job under the names that RQ's `Job` has. What it shows is as it was when it was made, until `refresh`.

    `record` is the job as the service shows it.
    """

    def __init__(self, record: Job, jobs: Jobs) -> None:
        self.record, self._jobs = record, jobs

    def refresh(self) -> None:
        """Read it again. Raises UnknownJob."""
        self.record = self._jobs.get(self.id)

    def get_status(self, refresh: bool = True) -> str:
        """queued, started, deferred, scheduled, finished, failed or canceled."""
        if refresh:
            self.refresh()
        return STATUSES[self.record.status]

    def return_value(self, refresh: bool = False) -> Any:
        """What the operation gave back; None until it is complete."""
        if refresh:
            self.refresh()
        return self.record.result if self.record.status == COMPLETE else None

    def get_position(self) -> int | None:
        """How many jobs run before it; None where it does not wait in its queue."""
        self.refresh()
        return self._jobs.position(self.record)

    def cancel(self) -> None:
        """Cancel it; a running one is stopped, which RQ's cancel does not do. Raises Conflict where it has ended."""
        self._jobs.cancel(self.id)
        self.refresh()

    def requeue(self) -> "RqJob":
        """Run it again, where it failed or was cancelled. Raises Conflict."""
        self.refresh()
        self._jobs.retry(self.id, self.record.run)
        self.refresh()
        return self

    def delete(self) -> None:
        """Delete it with its log and files. Raises Conflict while it runs."""
        self._jobs.delete(self.id)

    id = property(lambda self: self.record.id)
    func_name = property(lambda self: self.record.operation)
    args: tuple[Any, ...] = ()  # parameters are kept by name
    kwargs = property(lambda self: self.record.input.get("params", self.record.input))
    origin = property(lambda self: self.record.queue)
    dependency_ids = property(lambda self: list(self.record.depends_on))
    timeout = property(lambda self: self.record.timeout)
    worker_name = property(lambda self: self.record.worker)
    created_at = property(lambda self: _time(self.record.submitted))
    enqueued_at = property(lambda self: None if self.is_deferred or self.is_scheduled else _time(self.record.submitted))
    started_at = property(lambda self: _time(self.record.started))
    ended_at = property(lambda self: _time(self.record.ended))
    result = property(lambda self: self.return_value())
    retries_left = property(lambda self: max(0, self.record.retry["max"] - self.record.retries))
    is_queued = property(lambda self: self.record.status == SUBMITTED)
    is_started = property(lambda self: self.record.status == IN_PROGRESS)
    is_deferred = property(lambda self: self.record.status == WAITING)
    is_scheduled = property(lambda self: self.record.status == SCHEDULED)
    is_finished = property(lambda self: self.record.status == COMPLETE)
    is_failed = property(lambda self: self.record.status == FAILED)
    is_canceled = property(lambda self: self.record.status == CANCELLED)

    @property
    def exc_info(self) -> str | None:
        """The traceback of a failed job, or what is known where it left none (a killed process, a timeout)."""
        error = self.record.error
        if self.record.status != FAILED or error is None:
            return None
        return str(error.get("traceback") or f"{error['type']}: {error['message']}")

    def __repr__(self) -> str:
        return f"<RqJob {self.id}: {self.func_name} {STATUSES[self.record.status]}>"


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).astimezone(UTC)
