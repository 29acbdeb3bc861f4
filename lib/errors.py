"""Every error the shared library raises on purpose.

The API maps each class to one HTTP status and problem type; command-line programs print `str(error)`. A message says
what is wrong and what to do about it, in one or two sentences.
"""


class JobsError(Exception):
    """Base of all errors raised by lib."""


class InvalidInput(JobsError):
    """The caller's input cannot be accepted.

    Args:
        field: dotted path of the offending field (`params.n`), or "" for the body as a whole.
        message: what is wrong and what would be right.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.message = message

    def within(self, place: str) -> "InvalidInput":
        """The same error of a part of something larger: `place` stands before its field."""
        return type(self)(f"{place}.{self.field}" if self.field else place, self.message)


class InvalidParameters(InvalidInput):
    """One or several parameters of an operation are missing, unknown or ill-typed.

    `problems` lists all of them as (field, message); `field` and `message` repeat the first.
    """

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__(*problems[0])
        self.problems = problems

    def within(self, place: str) -> "InvalidParameters":
        """As of InvalidInput, of each problem."""
        return type(self)([(f"{place}.{name}" if name else place, message) for name, message in self.problems])

    def at_top(self) -> "InvalidParameters":
        """The same error of parameters that stand by themselves, in no `params`."""
        return type(self)([(name.removeprefix("params."), message) for name, message in self.problems])


class UnreadableFile(InvalidInput):
    """What was given to load is no file of incidents, or a broken one; the message says where."""


class UnknownOperation(InvalidInput):
    """No operation of that name is registered."""


class UnknownQueue(InvalidInput):
    """The queue is not one of those configured."""


class UnknownParent(InvalidInput):
    """A job is to depend on one that is not there."""


class UnknownJob(JobsError):
    """There is no job with this id: it never existed, was deleted, or has expired."""


def unknown_job(jid: str, why: str = "the id is wrong, or the job was deleted or has expired") -> UnknownJob:
    """What is said of an id under which there is no job."""
    return UnknownJob(f"There is no job {jid[:80]!r}: {why}.")


class ExpiredJob(UnknownJob):
    """The job was there, has ended, and the time for which it was kept is over."""


class UnknownWorker(JobsError):
    """No worker of this name beats."""


class UnknownBatch(JobsError):
    """There is no batch with this id."""


class UnknownSchedule(JobsError):
    """There is no schedule with this id."""


class UnknownDelivery(JobsError):
    """The job has no delivery with this id."""


class Conflict(JobsError):
    """The request contradicts what is stored: an id or Idempotency-Key reused with another body, or a job in a state
    that does not allow the change."""


class QueueFull(JobsError):
    """The queue holds as many jobs as its limit allows. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QueueDraining(JobsError):
    """The queue is being drained: what stands in it runs, and it accepts nothing more."""


class QuotaExceeded(JobsError):
    """The submitter has, or has sent, as much as its token allows. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreFull(JobsError):
    """Redis is at its memory limit (or its disk is full): nothing new is accepted, running jobs still end."""

    retry_after = 10

    def __init__(
        self, message: str = "Redis is at its memory limit; wait until jobs end or expire, or give it more memory."
    ) -> None:
        super().__init__(message)


class StoreUnavailable(JobsError):
    """Redis cannot be reached, is loading its data, or did not confirm in time."""

    retry_after = 2


class StaleClaim(JobsError):
    """The lease of this claim has ended and the job went on without it; what the claim wanted to write is dropped."""


class TooLarge(InvalidInput):
    """What was sent is larger than its limit allows."""


class DownloadFailed(JobsError):
    """A file could not be fetched, or not all of it; the message says from where and why. Another try may do better."""


class NoData(JobsError):
    """No version of the data is loaded, so nothing can be analysed yet."""
