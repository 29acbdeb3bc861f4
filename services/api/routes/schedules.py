"""`/schedules`: jobs that recur. Make, list, look at, replace, pause, resume, trigger, delete."""

import uuid
from dataclasses import replace

from flask import Blueprint, Response, g, request, url_for

from lib.errors import InvalidInput
from lib.jobs import Recurrence, Schedule, job_of
from services.api import kinds
from services.api.access_log import origin
from services.api.auth import caller_name, check_owner
from services.api.backend import backend
from services.api.body import body_of
from services.api.contract import Answer, Body, contract
from services.api.replies import json_reply
from services.api.request_schemas import new_schedule_body, schedule_body, schedule_examples
from services.api.routes.jobs import OF_A_SUBMIT, accepted
from services.api.shapes import JobRecord
from services.api.shapes_schedules import NewScheduleBody, ScheduleBody, ScheduleRecord, Schedules
from services.api.submissions import NOT_IN_SCHEDULES, submission_of
from services.api.tokens import Role

blueprint = Blueprint("schedules", __name__)

_NOT_OF_MAKING = (kinds.QUEUE_FULL, kinds.QUEUE_DRAINING, kinds.QUOTA_EXCEEDED, kinds.UNKNOWN_PARENT)
_MAKING = tuple(kind for kind in OF_A_SUBMIT if kind not in _NOT_OF_MAKING)


@blueprint.get("/schedules")
@contract(role=Role.VIEW, tag="Schedules", answers={200: Answer("All of them.", Schedules)}, validated=True)
def index() -> Response:
    """Every schedule, with its next times."""
    return json_reply({"schedules": [each.to_dict() for each in backend().jobs.schedules()]})


@blueprint.post("/schedules")
@contract(
    role=Role.SUBMIT,
    tag="Schedules",
    body=Body(new_schedule_body, schedule_examples),
    answers={201: Answer("The schedule.", ScheduleRecord, headers=("Location",))},
    problems=_MAKING,
)
def create() -> Response:
    """Make a schedule; its jobs belong to whoever makes it."""
    body = body_of(NewScheduleBody)
    made = backend().jobs.put_schedule(schedule_of(body, body.id or str(uuid.uuid4()), caller_name()))
    g.made = made.id
    return json_reply(made.to_dict(), 201, {"Location": url_for("schedules.get", sid=made.id)})


@blueprint.get("/schedules/<sid>")
@contract(
    role=Role.VIEW,
    tag="Schedules",
    answers={200: Answer("The schedule.", ScheduleRecord)},
    problems=(kinds.UNKNOWN_SCHEDULE,),
    validated=True,
)
def get(sid: str) -> Response:
    """One schedule."""
    return json_reply(backend().jobs.schedule(sid).to_dict())


@blueprint.put("/schedules/<sid>")
@contract(
    role=Role.SUBMIT,
    tag="Schedules",
    body=Body(schedule_body, schedule_examples),
    answers={200: Answer("The schedule as it is now.", ScheduleRecord)},
    problems=(*_MAKING, kinds.UNKNOWN_SCHEDULE),
)
def change(sid: str) -> Response:
    """Replace what a schedule does and when. It stays paused if it was, and keeps its history and its owner."""
    own = own_schedule(sid)
    made = schedule_of(body_of(ScheduleBody), own.id, own.by)
    return json_reply(backend().jobs.put_schedule(made, replace=True).to_dict())


@blueprint.post("/schedules/<sid>/pause")
@contract(
    role=Role.SUBMIT,
    tag="Schedules",
    answers={200: Answer("The schedule.", ScheduleRecord)},
    problems=(kinds.UNKNOWN_SCHEDULE,),
)
def pause(sid: str) -> Response:
    """Fire it no more until it is resumed. Twice is the same as once."""
    return json_reply(backend().jobs.pause_schedule(own_schedule(sid).id).to_dict())


@blueprint.post("/schedules/<sid>/resume")
@contract(
    role=Role.SUBMIT,
    tag="Schedules",
    answers={200: Answer("The schedule.", ScheduleRecord)},
    problems=(kinds.UNKNOWN_SCHEDULE,),
)
def resume(sid: str) -> Response:
    """Let it go on with its next time; those of the pause are not made up for."""
    return json_reply(backend().jobs.resume_schedule(own_schedule(sid).id).to_dict())


@blueprint.post("/schedules/<sid>/trigger")
@contract(
    role=Role.SUBMIT,
    tag="Schedules",
    takes=("Idempotency-Key",),
    answers={202: Answer("The job as it was accepted.", JobRecord, headers=("Location", "Idempotent-Replayed"))},
    problems=(*OF_A_SUBMIT, kinds.UNKNOWN_SCHEDULE),
)
def trigger(sid: str) -> Response:
    """Submit its job now, beside its times."""
    key = request.headers.get("Idempotency-Key")
    return accepted(
        backend().jobs.trigger_schedule(own_schedule(sid).id, str(uuid.uuid4()), idempotency_key=key, origin=origin())
    )


@blueprint.delete("/schedules/<sid>")
@contract(
    role=Role.SUBMIT,
    tag="Schedules",
    answers={204: Answer("It is gone; its jobs stay.")},
    problems=(kinds.UNKNOWN_SCHEDULE,),
)
def delete(sid: str) -> Response:
    """Delete a schedule. What it has submitted stays."""
    backend().jobs.delete_schedule(own_schedule(sid).id)
    return Response(status=204)


def own_schedule(sid: str) -> Schedule:
    """The schedule, for a change: it must be the caller's own, or the caller an admin. Raises UnknownSchedule, Problem."""
    schedule = backend().jobs.schedule(sid)
    check_owner(schedule.by, f"Schedule {schedule.id}")
    return schedule


def schedule_of(body: ScheduleBody, sid: str, by: str | None) -> Schedule:
    """The schedule that a body asks for. Raises InvalidInput, InvalidBody, InvalidParameters."""
    for name in NOT_IN_SCHEDULES:
        if name in body.job:
            raise InvalidInput(f"job.{name}", "cannot be given: each time makes a job of its own, at that time")
    submission, queue = submission_of(body.job, by=by)
    if body.timezone is not None and body.cron is None:
        raise InvalidInput("timezone", "belongs to cron; every counts seconds")
    timezone = body.timezone or (backend().settings.timezone if body.cron is not None else "UTC")
    recurrence = Recurrence(body.cron, body.every, timezone)
    return Schedule(sid, job_of(replace(submission, by=None)), recurrence, queue, body.missed, by, origin=origin())
