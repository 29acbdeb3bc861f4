"""Claims that must succeed, and the error of a run that fails."""

from typing import Any

from lib.jobs import Claim, Jobs

QUEUES = ["job-queue"]
ERROR: dict[str, Any] = {"type": "ValueError", "message": "no", "reason": "exception"}


def claim(jobs: Jobs, child: str = "c") -> Claim:
    """A claim that must succeed."""
    found = jobs.claim(child, "w", QUEUES)
    assert found is not None
    return found
