"""`/queues` and `/workers`: what stands where, and who works on it; pause and resume, drain and open, purge."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, Field

from lib.errors import UnknownWorker
from lib.jobs import QueueStats
from services.api.auth import caller_name
from services.api.backend import backend
from services.api.body import body_of
from services.api.contract import Answer, Body, contract
from services.api.kinds import CONFLICT, INVALID_INPUT, INVALID_JSON, NOT_FOUND, UNKNOWN_WORKER
from services.api.problems import Problem
from services.api.replies import json_reply
from services.api.shapes import Purged, QueueRecord, Queues, WorkerRecord, Workers
from services.api.tokens import Role

blueprint = Blueprint("queues", __name__)


class PurgeBody(BaseModel):
    """What a purge takes beside the jobs that wait to run."""

    model_config = ConfigDict(extra="forbid", strict=True)

    scheduled: bool = Field(False, description="Also jobs that wait for their time, retries included.")
    foreign: bool = Field(False, description="Also drop entries that other programs put on its lists and that are no job yet.")


@blueprint.get("/queues")
@contract(role=Role.VIEW, tag="Queues", answers={200: Answer("The queues.", Queues)})
def index() -> Response:
    """Every configured queue."""
    return json_reply({"queues": [_shown(stats) for stats in backend().jobs.queues()]})


@blueprint.get("/queues/<name>")
@contract(role=Role.VIEW, tag="Queues", answers={200: Answer("The queue.", QueueRecord)}, problems=(NOT_FOUND,))
def get(name: str) -> Response:
    """One queue."""
    return _reply(known_queue(name))


@blueprint.post("/queues/<name>/pause")
@contract(role=Role.ADMIN, tag="Queues", answers={200: Answer("The queue.", QueueRecord)}, problems=(NOT_FOUND,))
def pause(name: str) -> Response:
    """Stop claims from it; what runs, runs on. Twice is the same as once."""
    backend().jobs.pause(known_queue(name))
    return _reply(name)


@blueprint.post("/queues/<name>/resume")
@contract(role=Role.ADMIN, tag="Queues", answers={200: Answer("The queue.", QueueRecord)}, problems=(NOT_FOUND,))
def resume(name: str) -> Response:
    """Let it go on, in its order."""
    backend().jobs.resume(known_queue(name))
    return _reply(name)


@blueprint.post("/queues/<name>/drain")
@contract(role=Role.ADMIN, tag="Queues", answers={200: Answer("The queue.", QueueRecord)}, problems=(NOT_FOUND,))
def drain(name: str) -> Response:
    """Accept nothing more for it; what stands in it runs to its end. Submits and retries are refused, schedules wait."""
    backend().jobs.drain(known_queue(name))
    return _reply(name)


@blueprint.post("/queues/<name>/open")
@contract(role=Role.ADMIN, tag="Queues", answers={200: Answer("The queue.", QueueRecord)}, problems=(NOT_FOUND,))
def open_again(name: str) -> Response:
    """Let a drained queue accept jobs again."""
    backend().jobs.open(known_queue(name))
    return _reply(name)


@blueprint.post("/queues/<name>/purge")
@contract(
    role=Role.ADMIN,
    tag="Queues",
    body=Body(PurgeBody, required=False),
    answers={200: Answer("What was thrown away within a second; where `left` is not 0, ask again.", Purged)},
    problems=(NOT_FOUND, INVALID_JSON, INVALID_INPUT),
)
def purge(name: str) -> Response:
    """Cancel what waits in it; what runs, runs on, and what is submitted meanwhile stays."""
    asked = body_of(PurgeBody)
    done = backend().jobs.purge(known_queue(name), scheduled=asked.scheduled, foreign=asked.foreign, by=caller_name() or "")
    return json_reply(asdict(done) | {"queue": _shown(backend().jobs.queue(name))})


@blueprint.get("/workers")
@contract(role=Role.VIEW, tag="Queues", answers={200: Answer("The workers.", Workers)})
def workers() -> Response:
    """Workers that beat, what each says of itself, and what its children run now."""
    return json_reply({"workers": backend().jobs.workers()})


@blueprint.post("/workers/<name>/drain")
@contract(role=Role.ADMIN, tag="Queues", answers={200: Answer("The worker.", WorkerRecord)}, problems=(UNKNOWN_WORKER, CONFLICT))
def drain_worker(name: str) -> Response:
    """Let it end what it runs and take no more; it stays until it is resumed or stops. Twice is the same as once."""
    backend().jobs.drain_worker(name)
    return _worker(name)


@blueprint.post("/workers/<name>/resume")
@contract(role=Role.ADMIN, tag="Queues", answers={200: Answer("The worker.", WorkerRecord)}, problems=(UNKNOWN_WORKER, CONFLICT))
def resume_worker(name: str) -> Response:
    """Let a drained worker take jobs again."""
    backend().jobs.resume_worker(name)
    return _worker(name)


def _worker(name: str) -> Response:
    found = [each for each in backend().jobs.workers() if each["name"] == name]
    if not found:  # it has stopped meanwhile
        raise UnknownWorker(f"No worker called {name[:80]!r} beats any more.")
    return json_reply(found[0])


def known_queue(name: str) -> str:
    """The name, where it is one of a queue. Raises Problem."""
    known = backend().settings.all_queues
    if name not in known:
        raise Problem(NOT_FOUND, f"There is no queue {name[:80]!r}; there are {', '.join(known)}.", "name")
    return name


def _reply(name: str) -> Response:
    return json_reply(_shown(backend().jobs.queue(name)))


def _shown(stats: QueueStats) -> dict[str, Any]:
    flags = {"paused": stats.paused_since is not None, "draining": stats.draining_since is not None}
    return asdict(stats) | {"depth": stats.depth, "running": stats.running, "oldest_age": stats.oldest_age} | flags
