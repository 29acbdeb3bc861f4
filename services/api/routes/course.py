"""The course's routes in the course's words: `/submit`, `/status/<id>`, `/job/submit`, `/job/result/<id>`, `/get/`.

They stand for good, beside `/jobs`, on the same queue and the same checks. A GET never queues anything.
"""

from typing import Any

from flask import Blueprint, Response, request, url_for

from lib.jobs import Job
from lib.states import SUBMITTED, TERMINAL
from services.api.access_log import origin
from services.api.auth import caller_name, caller_quota
from services.api.backend import backend
from services.api.body import json_body
from services.api.contract import Answer, Body, contract
from services.api.replies import json_reply
from services.api.request_schemas import course_body
from services.api.routes.jobs import OF_A_JOB, OF_A_SUBMIT, accepted_headers, find_job
from services.api.routes.results import POLL_AFTER
from services.api.shapes import CourseAccepted, CourseRecord
from services.api.submissions import submission_of
from services.api.tokens import Role

blueprint = Blueprint("course", __name__)


@blueprint.post("/submit")
@blueprint.post("/job/submit")
@contract(
    role=Role.SUBMIT,
    tag="Course",
    body=Body(course_body),
    takes=("Idempotency-Key",),
    answers={
        202: Answer(
            "Accepted.",
            CourseAccepted,
            headers=("Location", "Idempotent-Replayed"),
            example={"job_id": "5d9dbb0e-4c1f-4b5c-a3cd-9a8f0ae3c0f5", "status": "submitted"},
        )
    },
    problems=OF_A_SUBMIT,
)
def submit() -> Response:
    """Accept a job: `{"operation","params"}`, `{"date"}`, `{"start","end"}`, or a whole job of the queue, `{"type","params"}`."""
    submission, queue = submission_of(json_body(), messages=True, by=caller_name(), quota=caller_quota(), origin=origin())
    one = backend().jobs.submit(submission, queue=queue, idempotency_key=request.headers.get("Idempotency-Key"))
    return json_reply({"job_id": one.id, "status": SUBMITTED}, 202, accepted_headers(one, url_for("course.status", jid=one.id)))


@blueprint.get("/status/<jid>")
@contract(
    role=Role.VIEW,
    tag="Course",
    answers={200: Answer("The job; result is null until its end.", CourseRecord)},
    problems=OF_A_JOB,
    validated=True,
)
def status(jid: str) -> Response:
    """The course's record."""
    return json_reply(_course_record(find_job(jid)))


@blueprint.get("/job/result/<jid>")
@contract(
    role=Role.VIEW,
    tag="Course",
    answers={
        200: Answer("The job has ended.", CourseRecord),
        202: Answer("It has not ended.", CourseRecord, headers=("Retry-After",)),
    },
    problems=OF_A_JOB,
    validated=True,
)
def result(jid: str) -> Response:
    """The same; 202 until the job has ended."""
    job = find_job(jid)
    if job.status in TERMINAL:
        return json_reply(_course_record(job))
    return json_reply(_course_record(job), 202, {"Retry-After": POLL_AFTER})


def _course_record(job: Job) -> dict[str, Any]:
    return {"id": job.id, "status": job.status, "input": job.input, "result": job.result}


@blueprint.get("/get")
@contract(role=Role.VIEW, tag="Course", answers={200: Answer("A number.", str, media=("text/plain",), example="0")})
def length() -> Response:
    """How many jobs wait in the default queue, as plain text."""
    return Response(str(backend().jobs.queue(backend().settings.queue_name).depth), mimetype="text/plain")
