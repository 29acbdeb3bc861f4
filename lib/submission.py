"""Into the queue and out of it again from outside: submit, cancel, retry, delete. Part of `lib.jobs.Jobs`.

Every method is one script, may be repeated after an error, and either happened whole or not at all.
"""

import hashlib
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from lib.errors import Conflict, InvalidInput, QueueDraining, QueueFull, UnknownJob, UnknownQueue
from lib.records import ID, RECORD_VERSION, Job
from lib.retries import MAX_DELAY, Retry
from lib.states import PRIORITIES
from lib.store import Store, text
from lib.targets import checked
from lib.views import Shown

if TYPE_CHECKING:
    from lib.operations import Catalog

_KEPT = ("by", "start", "end", "schedule", "scheduled_for")  # fields of a submission that its record keeps where they are given
_MANY = 500  # jobs in one call of the script, so that none blocks Redis for long


@dataclass(frozen=True)
class Submission:
    """One job to be. Only `operation` is needed; None means the setting's default.

    Args:
        operation: a registered name.
        params: its parameters, JSON values.
        input: what the record shows as `input`; by default `{"operation", "params"}`.
        id: letters, digits, `-` and `_`; a fresh UUID by default. Sending the same id and content again changes nothing.
        delay: seconds until it joins the queue.
        timeout: seconds a run may take.
        by: name of whom it belongs to.
        start, end: the course's two fields, kept in the record.
        notify: whom it tells of its end: `{"webhook": url}` or `{"email": address}`, each perhaps with `on`, a list of
            `complete`, `failed`, `cancelled`; all of them by default.
        schedule, scheduled_for: which schedule fired it, for which of its times; seconds since 1970.
    """

    operation: str
    params: dict[str, Any] = field(default_factory=dict)
    input: dict[str, Any] | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    priority: str = "normal"
    delay: float = 0.0
    timeout: float | None = None
    retry: Retry = field(default_factory=Retry)
    max_crashes: int | None = None
    result_ttl: int | None = None
    failed_ttl: int | None = None
    by: str | None = None
    start: str | None = None
    end: str | None = None
    notify: Sequence[Mapping[str, Any]] = ()
    schedule: str | None = None
    scheduled_for: float | None = None


@dataclass(frozen=True)
class Accepted:
    """An accepted job's id, and whether it stood there already (an id or Idempotency-Key sent again).

    Args:
        values: the record as the call wrote it; None where it stood there already.
        position: how many jobs run before it; known where it waits and was submitted alone.
    """

    id: str
    replayed: bool
    values: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    position: int | None = field(default=None, repr=False, compare=False)

    @property
    def shown(self) -> Shown | None:
        """The job as it was accepted, made without asking Redis; None where it stood there already."""
        if self.values is None:
            return None
        job = Job.from_values(
            {name: each.decode() if isinstance(each, bytes) else str(each) for name, each in self.values.items()}
        )
        return None if job is None else Shown(job, self.position, [])


class Submitting:
    """The submitting side of `Jobs`."""

    store: Store
    catalog: "Catalog | None"
    get: Callable[[str], Job]

    def submit(self, submission: Submission, *, queue: str | None = None, idempotency_key: str | None = None) -> Accepted:
        """Accept one job.

        Args:
            queue: one of the configured queues; the default one where None.
            idempotency_key: up to 255 printable characters; belongs to `submission.by` and lives as long as the job.

        Raises:
            InvalidInput (UnknownOperation, InvalidParameters, UnknownQueue): naming the field; nothing is queued.
            Conflict: the id or the key stands for another content.
            QueueFull, QueueDraining, StoreFull, StoreUnavailable.
        """
        key = ""
        if idempotency_key is not None:
            if not idempotency_key.isprintable() or not 1 <= len(idempotency_key) <= 255:
                raise InvalidInput("Idempotency-Key", "must be 1 to 255 printable characters")
            key = f"{self.store.prefix}idempotency.{submission.by or ''}.{idempotency_key}"
        name = self._queue(queue, own=True)
        self._check(submission)
        (accepted,) = self._submit([submission], name, key)
        return accepted

    def submit_many(self, submissions: Iterable[Submission], *, queue: str | None = None) -> list[Accepted]:
        """Accept many jobs, 500 a round trip; answers stand in the order given. All are checked before the first is sent.

        Raises: as submit. After an error the call may be repeated with the same ids: what was accepted is not doubled.
        """
        todo = list(submissions)
        if len({submission.id for submission in todo}) < len(todo):
            raise InvalidInput("id", "an id stands twice in one call")
        for submission in todo:
            self._check(submission)
        name = self._queue(queue, own=True)
        return [one for at in range(0, len(todo), _MANY) for one in self._submit(todo[at : at + _MANY], name, "")]

    def _submit(self, submissions: list[Submission], queue: str, key: str) -> list[Accepted]:
        """Send checked submissions in one call of the script."""
        args: list[Any] = [queue, key]
        records = []
        for submission in submissions:
            words, record = self._job_arguments(submission, queue)
            args += words
            records.append(record)
        reply = text(self.store.run("submit", *args))
        if reply[0] == "DRAINING":
            raise QueueDraining(f"Queue {queue} is being drained and accepts no jobs; take another one, or have it opened.")
        if reply[0] == "FULL":
            raise QueueFull(
                f"Queue {queue} holds {reply[1]} jobs and takes no more than {self.store.settings.queue_limit}; try again later."
            )
        return [
            self._accepted(record, bool(key), reply[1], reply[2], *reply[at : at + 4])
            for record, at in zip(records, range(3, len(reply), 4), strict=True)
        ]

    def _job_arguments(self, submission: Submission, queue: str) -> tuple[list[Any], dict[str, Any]]:
        """What the scripts that accept jobs take for one, and its record."""
        fields, digest = self._fields(submission, queue)
        words: list[Any] = [submission.id, digest, submission.priority, repr(float(submission.delay)), submission.operation]
        words += [2 * len(fields), *(part for item in fields.items() for part in item)]
        status = "scheduled" if submission.delay > 0 else "submitted"
        return words, fields | {"status": status, "queue": queue, "priority": submission.priority}

    @staticmethod
    def _accepted(
        record: dict[str, Any], keyed: bool, now: str, position: int | None, code: str, jid: str, seq: str, ready: str
    ) -> Accepted:
        if code == "CONFLICT":
            what = "This Idempotency-Key" if keyed else f"The id {jid}"
            raise Conflict(f"{what} stands for another job; take a new one.")
        if code == "REPLAYED":
            return Accepted(jid, True)
        return Accepted(jid, False, record | {"seq": seq, "submitted": now, "ready": ready}, position)

    def _check(self, submission: Submission) -> None:
        if not ID.match(submission.id):
            raise InvalidInput("id", "must be 1 to 64 letters, digits, - or _")
        if submission.priority not in PRIORITIES:
            raise InvalidInput("priority", f"must be one of {', '.join(PRIORITIES)}, not {submission.priority!r}")
        if not 0 <= submission.delay <= MAX_DELAY:
            raise InvalidInput("delay", "must be 0 seconds to ten years")
        limit = self.store.settings.max_timeout
        if submission.timeout is not None and not 0 < submission.timeout <= limit:
            raise InvalidInput("timeout", f"must be above 0 and at most {limit:g} seconds")
        submission.retry.check()
        for name in ("max_crashes", "result_ttl", "failed_ttl"):
            value = getattr(submission, name)
            if value is not None and not (0 if name == "max_crashes" else 1) <= value <= MAX_DELAY:
                raise InvalidInput(name, f"is {value}, out of range")
        checked(self.store.settings, submission.notify)
        if self.catalog is not None:
            self.catalog.validate(submission.operation, submission.params)

    def _fields(self, submission: Submission, queue: str) -> tuple[dict[str, Any], str]:
        settings = self.store.settings
        given = (
            submission.input if submission.input is not None else {"operation": submission.operation, "params": submission.params}
        )
        timeout = submission.timeout
        if timeout is None:
            operation = self.catalog.get(submission.operation) if self.catalog is not None else None
            timeout = (operation.timeout if operation is not None else None) or settings.job_timeout
        fields: dict[str, Any] = {
            "v": RECORD_VERSION,
            "id": submission.id,
            "operation": submission.operation,
            "input": orjson.dumps(given),
            "timeout": f"{timeout:g}",
            "max_crashes": settings.max_crashes if submission.max_crashes is None else submission.max_crashes,
            "result_ttl": submission.result_ttl or settings.result_ttl,
            "failed_ttl": submission.failed_ttl or settings.failed_ttl,
        }
        if submission.retry.max:
            fields |= {
                "max_retries": submission.retry.max,
                "intervals": orjson.dumps(list(submission.retry.intervals)),
                "jitter": submission.retry.jitter,
            }
        if submission.notify:
            fields["notify"] = orjson.dumps(checked(settings, submission.notify))
        fields |= {name: value for name in _KEPT if (value := getattr(submission, name)) is not None}
        if given.get("params") != submission.params:
            fields["params"] = orjson.dumps(submission.params)
        content = [fields[name] for name in fields if name != "id"]
        content += [queue, submission.priority, submission.delay]
        digest = hashlib.blake2b(orjson.dumps(list(map(str, content))), digest_size=12).hexdigest()
        return fields, digest

    def _queue(self, queue: str | None, own: bool = False) -> str:
        settings = self.store.settings
        if queue is None:
            return settings.queue_name
        known = settings.own_queues if own else settings.all_queues
        if queue not in known:
            raise UnknownQueue("queue", f"{queue!r} is not one of {', '.join(known)}")
        return queue

    def cancel(self, jid: str, by: str = "") -> str:
        """Cancel a job: `cancelled` where it waited, `in-progress` where it runs and its worker was told.

        Raises: UnknownJob; Conflict where it has ended.
        """
        code, *status = text(self.store.run("cancel", jid, by))
        if code == "UNKNOWN":
            raise UnknownJob(f"There is no job {jid}.")
        if code == "ENDED" and status[0] != "cancelled":
            raise Conflict(f"Job {jid} has ended already: it is {status[0]}.")
        return "in-progress" if code == "REQUESTED" else "cancelled"

    def retry(self, jid: str, run: int | None = None) -> bool:
        """Run a failed or cancelled job again. `run` is the number of the ended run, so that a repeated call retries once.

        Returns: whether that run had been retried before.

        Raises: UnknownJob; QueueDraining; Conflict where it has not ended, or is complete, or is in another run.
        """
        if run is None:
            run = self.get(jid).run
        code, *status = text(self.store.run("retry", jid, run))
        if code == "UNKNOWN":
            raise UnknownJob(f"There is no job {jid}.")
        if code == "STATE":
            raise Conflict(f"Job {jid} is {status[0]}; only failed and cancelled jobs can be retried.")
        if code == "DRAINING":
            raise QueueDraining(
                f"Queue {status[0]} is being drained and accepts no jobs; have it opened, and retry job {jid} then."
            )
        if code == "RUN":
            raise Conflict(f"Job {jid} is in run {status[0]}, not {run}; look at it again.")
        return bool(code == "AGAIN")

    def delete(self, jid: str) -> None:
        """Delete a job with its log and files; a waiting one is cancelled by it.

        Raises: UnknownJob; Conflict while it runs.
        """
        self.get(jid)  # an unknown one ends here; when the script no longer knows it, its own first reply was lost
        code = text(self.store.run("delete", jid))
        if code == "RUNNING":
            raise Conflict(f"Job {jid} is running; cancel it first.")


def new_token() -> str:
    """A random 128-bit fencing token."""
    return secrets.token_urlsafe(16)
