"""Into the queue and out of it again from outside: submit, cancel, retry, delete. Part of `lib.jobs.Jobs`.

Every method is one script, may be repeated after an error, and either happened whole or not at all.
"""

from collections.abc import Callable, Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from lib.errors import Conflict, InvalidInput, QueueDraining, QueueFull, QuotaExceeded, UnknownJob, UnknownParent, UnknownQueue
from lib.prepared import Prepared, prepare
from lib.records import Job, idempotency_name
from lib.store import Store, text
from lib.submission import Accepted, Submission
from lib.targets import checked

if TYPE_CHECKING:
    from lib.operations import Catalog, Operation

MANY = 500  # jobs in one call of a script
_STANDS_FOR = ("REPLAYED", "DUPLICATE", "DEBOUNCED")


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
            QueueFull, QueueDraining, QuotaExceeded, StoreFull, StoreUnavailable.
        """
        key = ""
        if idempotency_key is not None:
            if not idempotency_key.isprintable() or not 1 <= len(idempotency_key) <= 255:
                raise InvalidInput("Idempotency-Key", "must be 1 to 255 printable characters")
            key = idempotency_name(self.store.prefix, submission.by, idempotency_key)
        name = self._queue(queue, own=True)
        self._check(submission)
        (accepted,) = self._submit([submission], name, key)
        return accepted

    def submit_many(self, submissions: Iterable[Submission], *, queue: str | None = None) -> list[Accepted]:
        """Accept many jobs, 500 a round trip; answers stand in the order given. All are checked before the first is sent.

        They may depend on each other, in any order.

        Raises: as submit. After an error the call may be repeated with the same ids: what was accepted is not doubled.
        """
        given = list(submissions)
        for submission in given:
            self._check(submission)
        todo = in_order(given)
        name = self._queue(queue, own=True)
        found = {each.id: one for part in parts_of(todo) for each, one in zip(part, self._submit(part, name, ""), strict=True)}
        return [found[submission.id] for submission in given]

    def _submit(self, submissions: list[Submission], queue: str, key: str) -> list[Accepted]:
        """Send checked submissions in one call of the script."""
        prepared = [self._prepared(submission, queue) for submission in submissions]
        reply = text(self.store.run("submit", queue, key, *(word for each in prepared for word in each.words)))
        self._check_reply(reply, queue)
        return [
            self._accepted(each.record, bool(key), reply[1], reply[2], *reply[at : at + 4])
            for each, at in zip(prepared, range(3, len(reply), 4), strict=True)
        ]

    def _prepared(self, submission: Submission, queue: str) -> Prepared:
        return prepare(submission, queue, self.store.settings, self._operation(submission.operation))

    def _operation(self, name: str) -> "Operation | None":
        return self.catalog.get(name) if self.catalog is not None else None

    def _check_reply(self, reply: list[Any], queue: str) -> None:
        """Raise what the script refused the whole call for."""
        if reply[0] == "DRAINING":
            raise QueueDraining(f"Queue {queue} is being drained and accepts no jobs; take another one, or have it opened.")
        if reply[0] == "FULL":
            raise QueueFull(
                f"Queue {queue} holds {reply[1]} jobs and takes no more than {self.store.settings.queue_limit}; try again later."
            )
        if reply[0] == "PARENT":
            raise UnknownParent("depends_on", f"there is no job {reply[2]}: it never was, was deleted, or has expired")
        if reply[0] == "QUOTA":
            what = "jobs that have not ended" if reply[1] == "pending" else "jobs a minute"
            raise QuotaExceeded(f"The token's quota is {reply[2]} {what}; try again later.", int(reply[3]))

    @staticmethod
    def _accepted(
        record: dict[str, Any], keyed: bool, now: str, position: int | None, code: str, jid: str, seq: str, ready: str
    ) -> Accepted:
        if code == "CONFLICT":
            what = "This Idempotency-Key" if keyed else f"The id {jid}"
            raise Conflict(f"{what} stands for another job; take a new one.")
        if code in _STANDS_FOR:
            return Accepted(jid, code == "REPLAYED", deduplicated=code != "REPLAYED")
        if code in ("CACHED", "SETTLED"):  # more stands in the record than was sent
            return Accepted(jid, False, cached=code == "CACHED")
        return Accepted(jid, False, values=record | {"seq": seq, "submitted": now, "ready": ready}, position=position)

    def _check(self, submission: Submission) -> None:
        submission.check(self.store.settings.max_timeout)
        checked(self.store.settings, submission.notify)
        if self.catalog is not None:
            self.catalog.validate(submission.operation, submission.params)

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
        return self._cancelled(jid, *text(self.store.run("cancel", jid, by)))

    @staticmethod
    def _cancelled(jid: str, code: str, *status: str) -> str:
        """What the script's answer to a cancel means; raises as `cancel`."""
        if code == "UNKNOWN":
            raise UnknownJob(f"There is no job {jid}.")
        if code == "ENDED" and status[0] != "cancelled":
            raise Conflict(f"Job {jid} has ended already: it is {status[0]}.")
        return "in-progress" if code == "REQUESTED" else "cancelled"

    def retry(self, jid: str, run: int | None = None, by: str = "") -> bool:
        """Run a failed or cancelled job again. `run` is the number of the ended run, so that a repeated call retries once.

        Returns: whether that run had been retried before.

        Raises: UnknownJob; QueueDraining; Conflict where it has not ended, or is complete, or is in another run.
        """
        if run is None:
            run = self.get(jid).run
        return self._retried(jid, run, *text(self.store.run("retry", jid, run, by)))

    @staticmethod
    def _retried(jid: str, run: int, code: str, *status: str) -> bool:
        """What the script's answer to a retry means; raises as `retry`."""
        if code == "UNKNOWN":
            raise UnknownJob(f"There is no job {jid}.")
        if code == "DRAINING":
            raise QueueDraining(
                f"Queue {status[0]} is being drained and accepts no jobs; have it opened, and retry job {jid} then."
            )
        if code == "PARENT":
            raise Conflict(f"Job {jid} depends on job {status[0]}, which is {status[1]}; retry that one first.")
        if code == "STATE":
            raise Conflict(f"Job {jid} is {status[0]}; only failed and cancelled jobs can be retried.")
        if code == "RUN":
            raise Conflict(f"Job {jid} is in run {status[0]}, not {run}; look at it again.")
        return bool(code == "AGAIN")

    def delete(self, jid: str, by: str = "") -> None:
        """Delete a job with its log and files; a waiting one is cancelled by it.

        Raises: UnknownJob; Conflict while it runs, or jobs that have not ended depend on it.
        """
        self.get(jid)  # an unknown one ends here; when the script no longer knows it, its own first reply was lost
        self._deleted(jid, *text(self.store.run("delete", jid, by)))

    @staticmethod
    def _deleted(jid: str, code: str) -> None:
        """Raises as `delete` what the script's answer means; an unknown job was deleted by a call whose reply was lost."""
        if code == "RUNNING":
            raise Conflict(f"Job {jid} is running; cancel it first.")
        if code == "NEEDED":
            raise Conflict(f"Jobs that have not ended depend on job {jid}; it stays until they have.")


def parts_of(submissions: Iterable[Submission]) -> Iterator[list[Submission]]:
    """What one call of the script takes, so that none blocks Redis for long: a job counts with all that it depends on."""
    part: list[Submission] = []
    weight = 0
    for submission in submissions:
        if part and weight + 1 + len(submission.depends_on) > MANY:
            yield part
            part, weight = [], 0
        part.append(submission)
        weight += 1 + len(submission.depends_on)
    if part:
        yield part


def in_order(submissions: Iterable[Submission]) -> list[Submission]:
    """Those first on which others of them depend. Raises InvalidInput where an id stands twice, or they wait for each other."""
    found: dict[str, Submission] = {}
    for submission in submissions:
        if submission.id in found:
            raise InvalidInput("id", f"{submission.id} stands twice in one call")
        found[submission.id] = submission
    if not any(submission.depends_on for submission in found.values()):
        return list(found.values())
    graph = {jid: [parent for parent in each.depends_on if parent in found] for jid, each in found.items()}
    try:
        return [found[jid] for jid in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise InvalidInput("depends_on", f"goes in a circle: {' → '.join(error.args[1][::-1])}") from None
