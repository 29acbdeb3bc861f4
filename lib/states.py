"""The states of a job and the only moves between them. Scripts, documentation and the property test follow this table."""

NEW = "new"
WAITING = "waiting"  # for the jobs that it depends on
SCHEDULED = "scheduled"
SUBMITTED = "submitted"
IN_PROGRESS = "in-progress"
COMPLETE = "complete"
FAILED = "failed"
CANCELLED = "cancelled"

TRANSITIONS: dict[str, frozenset[str]] = {
    # Straight to complete: with the result of an earlier job.
    NEW: frozenset({WAITING, SCHEDULED, SUBMITTED, COMPLETE}),
    # To failed where a job that it depends on did not become complete.
    WAITING: frozenset({SCHEDULED, SUBMITTED, FAILED, CANCELLED}),
    SCHEDULED: frozenset({SUBMITTED, CANCELLED}),
    # Straight to failed: an adopted record that is broken, or an operation that nobody serves.
    # To scheduled: as many have started as the rate of its operation allows.
    SUBMITTED: frozenset({IN_PROGRESS, SCHEDULED, FAILED, CANCELLED}),
    # Back to submitted: released, reaped, or retried at once. To scheduled: retried later.
    IN_PROGRESS: frozenset({COMPLETE, FAILED, CANCELLED, SUBMITTED, SCHEDULED}),
    # Only by an explicit retry, which keeps the ended run in `runs`.
    FAILED: frozenset({SUBMITTED, WAITING}),
    CANCELLED: frozenset({SUBMITTED, WAITING}),
    COMPLETE: frozenset(),
}

STATUSES = (WAITING, SCHEDULED, SUBMITTED, IN_PROGRESS, COMPLETE, FAILED, CANCELLED)
TERMINAL = frozenset({COMPLETE, FAILED, CANCELLED})
PRIORITIES = ("high", "normal", "low")


def normalise(status: str) -> str:
    """The status under our spelling; the course also writes `in progress`."""
    return IN_PROGRESS if status == "in progress" else status
