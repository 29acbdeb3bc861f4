"""`/queues` and `/workers`: what stands where, and who works on it; pause and resume."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response

from lib.jobs import QueueStats
from services.api.backend import backend
from services.api.contract import Answer, contract
from services.api.kinds import NOT_FOUND
from services.api.problems import Problem
from services.api.replies import json_reply
from services.api.shapes import QueueRecord, Queues, Workers
from services.api.tokens import Role

blueprint = Blueprint("queues", __name__)


@blueprint.get("/queues")
@contract(role=Role.VIEW, tag="Queues", answers={200: Answer("The queues.", Queues)})
def index() -> Response:
    """Every configured queue."""
    return json_reply({"queues": [_shown(stats) for stats in backend().jobs.queues()]})


@blueprint.get("/queues/<name>")
@contract(role=Role.VIEW, tag="Queues", answers={200: Answer("The queue.", QueueRecord)}, problems=(NOT_FOUND,))
def get(name: str) -> Response:
    """One queue."""
    return _reply(_known(name))


@blueprint.post("/queues/<name>/pause")
@contract(role=Role.ADMIN, tag="Queues", answers={200: Answer("The queue.", QueueRecord)}, problems=(NOT_FOUND,))
def pause(name: str) -> Response:
    """Stop claims from it; what runs, runs on. Twice is the same as once."""
    backend().jobs.pause(_known(name))
    return _reply(name)


@blueprint.post("/queues/<name>/resume")
@contract(role=Role.ADMIN, tag="Queues", answers={200: Answer("The queue.", QueueRecord)}, problems=(NOT_FOUND,))
def resume(name: str) -> Response:
    """Let it go on, in its order."""
    backend().jobs.resume(_known(name))
    return _reply(name)


@blueprint.get("/workers")
@contract(role=Role.VIEW, tag="Queues", answers={200: Answer("The workers.", Workers)})
def workers() -> Response:
    """Workers that beat, and what each says of itself."""
    return json_reply({"workers": backend().jobs.workers()})


def _known(name: str) -> str:
    known = backend().settings.all_queues
    if name not in known:
        raise Problem(NOT_FOUND, f"There is no queue {name[:80]!r}; there are {', '.join(known)}.", "name")
    return name


def _reply(name: str) -> Response:
    return json_reply(_shown(backend().jobs.queue(name)))


def _shown(stats: QueueStats) -> dict[str, Any]:
    return asdict(stats) | {"depth": stats.depth, "paused": stats.paused_since is not None}
