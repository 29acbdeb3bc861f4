"""`/jobs`: submit, list, look at, cancel, retry, delete. Results and files are in `routes.results`."""

from typing import Any

from flask import Blueprint, Response, request, url_for

from lib.errors import UnknownJob
from lib.jobs import Accepted, Job
from services.api.backend import backend
from services.api.body import json_body, page_link, query_int, query_time
from services.api.replies import json_reply
from services.api.submissions import is_job_id, submission_of

blueprint = Blueprint("jobs", __name__)


def find_job(jid: str) -> Job:
    """The job, or UnknownJob; an impossible id never reaches Redis."""
    if not is_job_id(jid):
        raise UnknownJob(f"There is no job {jid[:80]!r}: an id is 1 to 64 letters, digits, - or _.")
    return backend().jobs.get(jid)


def record_of(job: Job) -> dict[str, Any]:
    """A job as HTTP shows it: its record, `position` while it waits, and the names of its `files` once it is complete."""
    record = job.to_dict()
    if job.status == "submitted":
        record["position"] = backend().jobs.position(job)
    if job.status == "complete":
        record["files"] = sorted(backend().jobs.files(job.id))
    return record


def accepted(one: Accepted) -> Response:
    """202 with the full record of a job that was just accepted, or had been before."""
    return json_reply(record_of(backend().jobs.get(one.id)), 202, accepted_headers(one, url_for("jobs.get", jid=one.id)))


def accepted_headers(one: Accepted, location: str) -> dict[str, str]:
    """Where to look for an accepted job, and whether it had been accepted before."""
    return {"Location": location} | ({"Idempotent-Replayed": "true"} if one.replayed else {})


@blueprint.post("/jobs")
def submit() -> Response:
    """Accept a job."""
    submission, queue = submission_of(json_body())
    one = backend().jobs.submit(submission, queue=queue, idempotency_key=request.headers.get("Idempotency-Key"))
    return accepted(one)


@blueprint.get("/jobs")
def index() -> Response:
    """A page of jobs, the newest first."""
    args = request.args
    page = backend().jobs.page(
        status=args.get("status"),
        operation=args.get("operation"),
        since=query_time("since"),
        until=query_time("until"),
        cursor=args.get("cursor"),
        limit=query_int("limit", 50),
    )
    headers = {"Link": page_link("cursor", page.cursor)} if page.cursor else {}
    return json_reply({"jobs": [job.to_dict() for job in page.jobs], "next": page.cursor}, headers=headers)


@blueprint.get("/jobs/<jid>")
def get(jid: str) -> Response:
    """One job."""
    return json_reply(record_of(find_job(jid)))


@blueprint.post("/jobs/<jid>/cancel")
def cancel(jid: str) -> Response:
    """Cancel a job: 200 where it waited, 202 where it runs and its worker was told."""
    job = find_job(jid)
    state = backend().jobs.cancel(job.id)
    return json_reply(record_of(find_job(jid)), 202 if state == "in-progress" else 200)


@blueprint.post("/jobs/<jid>/retry")
def retry(jid: str) -> Response:
    """Run a failed or cancelled job again."""
    job = find_job(jid)
    backend().jobs.retry(job.id, job.run)
    return accepted(Accepted(job.id, replayed=False))


@blueprint.delete("/jobs/<jid>")
def delete(jid: str) -> Response:
    """Delete a job with its log and files."""
    backend().jobs.delete(find_job(jid).id)
    return Response(status=204)
