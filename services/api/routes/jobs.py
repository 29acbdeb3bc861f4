"""`/jobs`: submit, list, look at, cancel, retry, delete. Results and files are in `routes.results`."""

import hashlib
from dataclasses import replace
from typing import Any

import orjson
from flask import Blueprint, Response, g, request, url_for
from pydantic import BaseModel, ConfigDict, Field

from lib.errors import unknown_job
from lib.jobs import Accepted, Job, Shown
from lib.states import TERMINAL
from services.api import kinds
from services.api.access_log import origin
from services.api.auth import caller_name, caller_quota, check_owner
from services.api.backend import backend
from services.api.body import body_of, json_body, page_link, query
from services.api.contract import Answer, Body, contract
from services.api.preferences import wait_for_end
from services.api.queries import JobsQuery
from services.api.replies import json_reply
from services.api.request_schemas import JOB_EXAMPLE, job_body
from services.api.shapes import JobPage, JobRecord
from services.api.submissions import is_job_id, submission_of
from services.api.tokens import Role

blueprint = Blueprint("jobs", __name__)


class RetryBody(BaseModel):
    """Which run is retried."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: int | None = Field(
        None, ge=0, examples=[0], description="Number of the run that failed or was cancelled; the current one by default."
    )


OF_A_JOB = (kinds.UNKNOWN_JOB, kinds.EXPIRED)
OF_A_SUBMIT = (
    kinds.INVALID_JSON,
    kinds.INVALID_INPUT,
    kinds.CONFLICT,
    kinds.TOO_LARGE,
    kinds.INVALID_PARAMETERS,
    kinds.UNKNOWN_OPERATION,
    kinds.UNKNOWN_QUEUE,
    kinds.QUEUE_DRAINING,
    kinds.UNKNOWN_PARENT,
    kinds.QUEUE_FULL,
    kinds.QUOTA_EXCEEDED,
    kinds.STORE_FULL,
)
FOLLOW = ("jobs.get", "results.result", "results.files", "results.log", "jobs.cancel", "jobs.delete")


def find_job(jid: str) -> Job:
    """The job, or UnknownJob; an impossible id never reaches Redis."""
    return backend().jobs.get(job_id(jid))


def own_job(jid: str) -> Job:
    """As `find_job`, for a change: the job must be the caller's own, or the caller an admin."""
    job = find_job(jid)
    check_owner(job.by, f"Job {job.id}")
    return job


def job_id(jid: str) -> str:
    """The id, where it could be one; else UnknownJob."""
    if not is_job_id(jid):
        raise unknown_job(jid, "an id is 1 to 64 letters, digits, - or _")
    return jid


def eta_of(shown: Shown, ask: bool = True) -> dict[str, Any]:
    """`eta` and `eta_at` of a job that has not ended; nothing of one that has. Without `ask`, of what was known a while ago."""
    if shown.job.status in TERMINAL:
        return {}
    known = backend().jobs.estimates() if ask else backend().jobs.last_estimates()
    eta = None if known is None else known.of(shown.job, shown.position)
    if known is None or eta is None:
        return {"eta": None, "eta_at": None}
    return {"eta": round(eta, 3), "eta_at": known.at(eta)}


def accepted(one: Accepted) -> Response:
    """202 with the record of a job as it was accepted; one that had been accepted before, as it is now."""
    shown = one.shown or backend().jobs.look(one.id)
    record = shown.to_dict() | eta_of(shown, ask=False)  # an accepted job must not become a 503
    return json_reply(record, 202, accepted_headers(one, url_for("jobs.get", jid=one.id)))


def accepted_headers_of(location: str, replayed: bool) -> dict[str, str]:
    """Where to look for what was accepted, and whether it had been accepted before."""
    return {"Location": location} | ({"Idempotent-Replayed": "true"} if replayed else {})


def accepted_headers(one: Accepted, location: str) -> dict[str, str]:
    """As `accepted_headers_of`, of a job, and whether another one or an earlier result stands for it."""
    g.job = g.made = one.id  # for the log
    told = {"Deduplicated": ("true", one.deduplicated), "Cache": ("HIT", one.cached)}
    return accepted_headers_of(location, one.replayed) | {name: value for name, (value, so) in told.items() if so}


@blueprint.post("/jobs")
@contract(
    role=Role.SUBMIT,
    tag="Jobs",
    body=Body(job_body),
    takes=("Idempotency-Key", "Prefer"),
    answers={
        202: Answer(
            "The job as it was accepted.",
            JobRecord,
            headers=("Location", "Idempotent-Replayed", "Deduplicated", "Cache", "Preference-Applied"),
            example=JOB_EXAMPLE,
            follow=FOLLOW,
        )
    },
    problems=OF_A_SUBMIT,
)
def submit() -> Response:
    """Accept a job.

    An operation with its parameters and options; `{"start", "end"}` alone describes the incidents between two days, `{"date"}`
    alone counts those of a day. The same id or Idempotency-Key with the same body is the same job, however often it is sent.
    """
    submission, queue = submission_of(json_body(), by=caller_name(), quota=caller_quota(), origin=origin())
    one = backend().jobs.submit(submission, queue=queue, idempotency_key=request.headers.get("Idempotency-Key"))
    return accepted(replace(one, values=None) if wait_for_end(one.id) else one)


@blueprint.get("/jobs")
@contract(
    role=Role.VIEW,
    tag="Jobs",
    query=JobsQuery,
    answers={200: Answer("A page; the header Link leads to the next one.", JobPage, headers=("Link",))},
    problems=(kinds.INVALID_INPUT,),
    validated=True,
)
def index() -> Response:
    """List jobs, the newest first.

    With `operation` or `search` a page looks at a bounded number of jobs, and may be short or empty though more follow: go on
    with `next` while there is one.
    """
    asked = query(JobsQuery)
    page = backend().jobs.page(**dict(asked))
    headers = {"Link": page_link("cursor", page.cursor)} if page.cursor else {}
    shown = {"jobs": [job.to_dict() for job in page.jobs], "next": page.cursor, "searched_to": page.searched_to}
    return json_reply(shown, headers=headers)


@blueprint.get("/jobs/<jid>")
@contract(
    role=Role.VIEW,
    tag="Jobs",
    takes=("Prefer",),
    answers={200: Answer("The job.", JobRecord, headers=("Preference-Applied",), example=JOB_EXAMPLE)},
    problems=OF_A_JOB,
    validated=True,
)
def get(jid: str) -> Response:
    """One job."""
    wait_for_end(job_id(jid))
    shown = backend().jobs.look(jid)
    record, eta = shown.to_dict(), eta_of(shown)
    response = json_reply(record | eta)
    if eta:  # time alone changes it: whoever asks whether something has happened is told of all else
        response.set_etag(hashlib.blake2b(orjson.dumps(record), digest_size=12).hexdigest(), weak=True)
    return response


@blueprint.post("/jobs/<jid>/cancel")
@contract(
    role=Role.SUBMIT,
    tag="Jobs",
    answers={
        200: Answer("It waited, and is cancelled.", JobRecord),
        202: Answer("It runs, and its worker was told.", JobRecord),
    },
    problems=(*OF_A_JOB, kinds.CONFLICT),
)
def cancel(jid: str) -> Response:
    """Cancel a job: 200 where it waited, 202 where it runs and its worker was told."""
    job = own_job(jid)
    state = backend().jobs.cancel(job.id, caller_name() or "")
    return json_reply(backend().jobs.look(job.id).to_dict(), 202 if state == "in-progress" else 200)


@blueprint.post("/jobs/<jid>/retry")
@contract(
    role=Role.SUBMIT,
    tag="Jobs",
    body=Body(RetryBody, required=False),
    answers={
        202: Answer(
            "It waits again; the ended run is in `runs`.", JobRecord, headers=("Location", "Idempotent-Replayed"), follow=FOLLOW
        )
    },
    problems=(*OF_A_JOB, kinds.INVALID_JSON, kinds.INVALID_INPUT, kinds.CONFLICT, kinds.QUEUE_DRAINING, kinds.STORE_FULL),
)
def retry(jid: str) -> Response:
    """Run a failed or cancelled job again.

    `{"run"}` is the number of the run that ended, as the record has it: sent again, it is the same retry. Without it, every
    request that finds the job failed or cancelled retries it.
    """
    job = own_job(jid)
    asked = body_of(RetryBody)
    replayed = backend().jobs.retry(job.id, job.run if asked.run is None else asked.run, caller_name() or "")
    return accepted(Accepted(job.id, replayed))


@blueprint.delete("/jobs/<jid>")
@contract(
    role=Role.SUBMIT,
    tag="Jobs",
    answers={204: Answer("It is gone, with its log and files.")},
    problems=(*OF_A_JOB, kinds.CONFLICT),
)
def delete(jid: str) -> Response:
    """Delete a job with its log and files."""
    backend().jobs.delete(own_job(jid).id, caller_name() or "")
    return Response(status=204)
