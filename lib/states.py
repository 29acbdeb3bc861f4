"""The states of a job and the only moves between them. Scripts, documentation and the property test follow this table."""

NEW = "new"
SCHEDULED = "scheduled"
SUBMITTED = "submitted"
IN_PROGRESS = "in-progress"
COMPLETE = "complete"
FAILED = "failed"
CANCELLED = "cancelled"

TRANSITIONS: dict[str, frozenset[str]] = {
    NEW: frozenset({SCHEDULED, SUBMITTED}),
    SCHEDULED: frozenset({SUBMITTED, CANCELLED}),
    # Straight to failed: an adopted record that is broken, or an operation that nobody serves.
    SUBMITTED: frozenset({IN_PROGRESS, FAILED, CANCELLED}),
    # Back to submitted: released, reaped, or retried at once. To scheduled: retried later.
    IN_PROGRESS: frozenset({COMPLETE, FAILED, CANCELLED, SUBMITTED, SCHEDULED}),
    # Only by an explicit retry, which keeps the ended run in `runs`.
    FAILED: frozenset({SUBMITTED}),
    CANCELLED: frozenset({SUBMITTED}),
    COMPLETE: frozenset(),
}

STATUSES = (SCHEDULED, SUBMITTED, IN_PROGRESS, COMPLETE, FAILED, CANCELLED)
TERMINAL = frozenset({COMPLETE, FAILED, CANCELLED})
PRIORITIES = ("high", "normal", "low")


def normalise(status: str) -> str:
    """The status under our spelling; the course also writes `in progress`."""
    return IN_PROGRESS if status == "in progress" else status
