"""What API and worker share, and the only door to the queue.

`Jobs` is the whole of it, each method one script or one read. The names of the course (`rd`, `q`, `add_job`,
`get_job_by_id`, `update_job_status`) and of RQ (`enqueue`, `Queue`, `Job.fetch`) stand beside it and work on a `Jobs` made
from the environment. Whatever process dies, an accepted job ends, once.
"""

from typing import Any

from lib import course
from lib.batches import Batch
from lib.claims import ChildClosed, Claim, Outcome, complete, failed, released
from lib.connections import FOREVER
from lib.course import (
    _generate_jid,
    _generate_job_key,
    _instantiate_job,
    _queue_job,
    _save_job,
    add_job,
    get_job_by_id,
    update_job_status,
)
from lib.deliveries import Delivery
from lib.engine import Jobs
from lib.eta import Estimates
from lib.failures import FailureGroup, Retried
from lib.history import Point
from lib.listing import Page
from lib.origin import Origin
from lib.queue import HotQueue
from lib.records import Job
from lib.recurrence import Recurrence
from lib.retries import Backoff, Retry
from lib.rq_face import Queue, enqueue, enqueue_at, enqueue_in
from lib.schedules import Schedule, job_of
from lib.steering import Purged
from lib.submission import Accepted, Quota, Submission
from lib.views import Overdue, QueueStats, Shown

__all__ = [
    "FOREVER",
    "Accepted",
    "Backoff",
    "Batch",
    "ChildClosed",
    "Claim",
    "Delivery",
    "Estimates",
    "FailureGroup",
    "HotQueue",
    "Job",
    "Jobs",
    "Origin",
    "Outcome",
    "Overdue",
    "Page",
    "Point",
    "Purged",
    "Queue",
    "QueueStats",
    "Quota",
    "Recurrence",
    "Retried",
    "Retry",
    "Schedule",
    "Shown",
    "Submission",
    "_generate_jid",
    "_generate_job_key",
    "_instantiate_job",
    "_queue_job",
    "_save_job",
    "add_job",
    "complete",
    "enqueue",
    "enqueue_at",
    "enqueue_in",
    "failed",
    "get_job_by_id",
    "job_of",
    "released",
    "update_job_status",
]


def __getattr__(name: str) -> Any:
    """`rd` and `q` are made from the environment when they are first used."""
    if name in ("rd", "q"):
        return getattr(course, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
