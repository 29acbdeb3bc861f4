"""The course's routes in the course's words: `/submit`, `/status/<id>`, `/job/submit`, `/job/result/<id>`, `/get/`.

They stand for good, beside `/jobs`, on the same queue and the same checks. A GET never queues anything.
"""

from typing import Any

from flask import Blueprint, Response, request, url_for

from lib.jobs import Job
from lib.states import SUBMITTED, TERMINAL
from services.api.backend import backend
from services.api.body import json_body
from services.api.replies import json_reply
from services.api.routes.jobs import accepted_headers, find_job
from services.api.routes.results import POLL_AFTER
from services.api.submissions import submission_of

blueprint = Blueprint("course", __name__)


@blueprint.post("/submit")
@blueprint.post("/job/submit")
def submit() -> Response:
    """Accept a job: `{"operation","params"}`, `{"date"}`, `{"start","end"}`, or a whole job of the queue, `{"type","params"}`."""
    submission, queue = submission_of(json_body(), messages=True)
    one = backend().jobs.submit(submission, queue=queue, idempotency_key=request.headers.get("Idempotency-Key"))
    return json_reply({"job_id": one.id, "status": SUBMITTED}, 202, accepted_headers(one, url_for("course.status", jid=one.id)))


@blueprint.get("/status/<jid>")
def status(jid: str) -> Response:
    """The course's record."""
    return json_reply(_course_record(find_job(jid)))


@blueprint.get("/job/result/<jid>")
def result(jid: str) -> Response:
    """The same; 202 until the job has ended."""
    job = find_job(jid)
    if job.status in TERMINAL:
        return json_reply(_course_record(job))
    return json_reply(_course_record(job), 202, {"Retry-After": POLL_AFTER})


def _course_record(job: Job) -> dict[str, Any]:
    return {"id": job.id, "status": job.status, "input": job.input, "result": job.result}


@blueprint.get("/get")
def length() -> Response:
    """How many jobs wait in the default queue, as plain text."""
    return Response(str(backend().jobs.queue(backend().settings.queue_name).depth), mimetype="text/plain")
