"""The names that the course's `jobs.py` has, on a queue made from the environment. Public through `lib.jobs`.

Programs in the course's shape (`api.py`, `worker.py` with `@q.worker`) run on them unchanged, and lose nothing when they
are killed: a job is claimed, fenced and renewed behind `q` and `update_job_status`.
"""

import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
import redis

from lib.claims import complete, failed, released
from lib.errors import Conflict, InvalidInput, StaleClaim, UnknownJob
from lib.queue import HotQueue
from lib.settings import load_settings
from lib.states import CANCELLED, COMPLETE, FAILED, IN_PROGRESS, SUBMITTED, TERMINAL, normalise
from lib.submission import Submission


@cache
def _queue() -> HotQueue:
    settings = load_settings()
    return HotQueue.of(settings, settings.queue_name)


def __getattr__(name: str) -> Any:
    if name == "q":
        return _queue()
    if name == "rd":
        return _records()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _records() -> redis.Redis:
    return _queue().jobs.store.records


def _generate_jid() -> str:
    """A pseudo-random id for a job."""
    return str(uuid.uuid4())


def _generate_job_key(jid: str) -> str:
    """The Redis key of a job's record."""
    return f"{_queue().jobs.settings.key_prefix}job.{jid}"


def _instantiate_job(jid: str | bytes, status: str | bytes, start: str | bytes, end: str | bytes) -> dict[str, str]:
    """The course's four-field description of a job; bytes are decoded."""
    values = {"id": jid, "status": status, "start": start, "end": end}
    return {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in values.items()}


def _save_job(job_key: str, job_dict: Mapping[str, str]) -> None:
    """Write a job's description as a hash."""
    pairs = [part for pair in job_dict.items() for part in pair]
    _records().hset(job_key, items=pairs)


def _queue_job(jid: str) -> None:
    """Put a job's id on the queue."""
    _queue().put(jid)


def add_job(start: Any, end: Any, status: str = SUBMITTED) -> dict[str, Any]:
    """Submit the default analysis of the incidents from `start` to `end`; its four-field description comes back.

    Raises: InvalidInput for a status in which no job begins.
    """
    if normalise(status) != SUBMITTED:
        raise InvalidInput("status", "a job begins as submitted")
    jid = _generate_jid()
    job_dict = _instantiate_job(jid, status, start, end)
    bounds = {"start": job_dict["start"], "end": job_dict["end"]}
    _queue().jobs.submit(Submission("describe", bounds, input=bounds, id=jid, start=bounds["start"], end=bounds["end"]))
    return job_dict


def get_job_by_id(jid: str | bytes) -> dict[str, Any]:
    """A job's record as a dict; empty where there is none."""
    jid = jid.decode() if isinstance(jid, bytes) else jid
    try:
        return _queue().jobs.get(jid).to_dict()
    except UnknownJob:
        raw: dict[Any, Any] = _records().hgetall(_generate_job_key(jid))  # written with _save_job, not yet adopted
        return {key.decode(): value.decode() for key, value in raw.items()}


def update_job_status(jid: str | bytes, status: str, result: Any = None) -> None:
    """Move a job to another state: in progress, complete, failed (for the process that runs it), submitted (hand it back) or
    cancelled. Setting the state it is in already changes nothing.

    Raises: UnknownJob; Conflict where the state table does not allow it; StaleClaim where another worker has the job.
    """
    jid = jid.decode() if isinstance(jid, bytes) else jid
    status = normalise(status)
    queue = _queue()
    if status == CANCELLED:
        queue.jobs.cancel(jid)
        return
    if status not in (SUBMITTED, IN_PROGRESS, COMPLETE, FAILED):
        raise InvalidInput("status", f"{status!r} is none of submitted, in progress, complete, failed, cancelled")
    claim = queue.consumer.held(jid)
    if claim is None:
        current = queue.jobs.get(jid).status
        if current == status:
            return
        if current in TERMINAL:
            raise Conflict(f"Job {jid} has ended already: it is {current}.")
        claim = queue.consumer.take(jid)
        if claim is None:
            raise StaleClaim(f"Job {jid} is run by another worker.")
    if status == COMPLETE:
        queue.consumer.end(claim, complete(orjson.dumps(result)))
    elif status == FAILED:
        message = str(result) if result is not None else "The worker set the status failed."
        queue.consumer.end(claim, failed({"type": "Failed", "message": message, "reason": "exception"}, may_retry=False))
    elif status == SUBMITTED:
        queue.consumer.end(claim, released("handed back"))
