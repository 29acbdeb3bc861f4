"""What a job has left: its result, its files, its log.

A result is JSON unless Accept prefers the type of one of the job's files, such as image/png of a plot.
"""

from functools import partial
from typing import Any

from flask import Blueprint, Response, url_for

from lib.jobs import Job
from lib.states import CANCELLED, COMPLETE, TERMINAL
from services.api import kinds
from services.api.backend import backend
from services.api.body import page_link, query
from services.api.contract import Answer, contract
from services.api.forms import CSV, GEOJSON, JSON, PNG, SVG, in_best_form, is_best, plain_type
from services.api.preferences import wait_for_end
from services.api.problems import Problem
from services.api.queries import LogQuery
from services.api.replies import file_reply, json_reply
from services.api.routes.jobs import OF_A_JOB, find_job, job_id
from services.api.shapes import Files, JsonValue, LogPage, Unfinished
from services.api.tables import csv_of
from services.api.tokens import Role

blueprint = Blueprint("results", __name__)

POLL_AFTER = "1"  # seconds, for Retry-After of what is not there yet
_WAITED = ("Preference-Applied",)
_FORMS = (JSON, PNG, SVG, CSV, GEOJSON, "application/octet-stream")


@blueprint.get("/jobs/<jid>/results")
@contract(
    role=Role.VIEW,
    tag="Results",
    takes=("Accept", "Prefer"),
    answers={
        200: Answer(
            'The result in the form that Accept prefers; `{"error"}` of a failed job, always as JSON.',
            JsonValue,
            media=_FORMS,
            headers=("traceparent", *_WAITED),
        ),
        202: Answer("There is none yet; perhaps a part of it.", Unfinished, headers=("Retry-After", *_WAITED)),
    },
    problems=(*OF_A_JOB, kinds.CANCELLED, kinds.NOT_ACCEPTABLE),
    validated=True,
)
def result(jid: str) -> Response:
    """The result of a job.

    JSON, or one of the job's files, or CSV where the result is a table, as Accept says. 202 while there is none yet.
    """
    wait_for_end(job_id(jid))
    job = find_job(jid)
    if job.status not in TERMINAL:
        so_far = {"partial": job.partial} if job.partial is not None else {}
        return json_reply({"id": job.id, "status": job.status} | so_far, 202, {"Retry-After": POLL_AFTER})
    if job.status == CANCELLED:
        raise Problem(kinds.CANCELLED, f"Job {job.id} was cancelled; POST /jobs/{job.id}/retry runs it again.")
    if job.status == COMPLETE and not is_best(JSON):
        answer = _preferred(job)
    else:
        answer = json_reply(job.result)
        answer.vary.add("Accept")
    if job.traceparent is not None:
        answer.headers["traceparent"] = job.traceparent
    return answer


def _preferred(job: Job) -> Response:
    """The form that Accept prefers to JSON, if the job has it."""
    files = backend().jobs.files(job.id)
    names = {plain_type(about["content_type"]): name for name, about in sorted(files.items(), reverse=True)}
    catalog = backend().catalog
    operation = catalog.get(job.operation) if job.operation in catalog else None
    return in_best_form(
        f"Job {job.id}",
        partial(json_reply, job.result),
        {kind: partial(_file, job, names[kind]) for kind in sorted(names)},
        partial(csv_of, job.result, operation),
    )


def _file(job: Job, name: str) -> Response:
    found = backend().jobs.file(job.id, name)
    if found is None:
        raise Problem(kinds.NOT_FOUND, f"Job {job.id} has no file {name[:100]!r}; GET /jobs/{job.id}/files lists what it has.")
    return file_reply(*found)


@blueprint.get("/jobs/<jid>/files")
@contract(role=Role.VIEW, tag="Results", answers={200: Answer("The files.", Files)}, problems=OF_A_JOB, validated=True)
def files(jid: str) -> Response:
    """Names, types, sizes and addresses of a job's files."""
    job = find_job(jid)
    found = backend().jobs.files(job.id)
    shown: list[dict[str, Any]] = [
        {"name": name, **about, "url": url_for("results.file", jid=jid, name=name)} for name, about in sorted(found.items())
    ]
    return json_reply({"files": shown})


@blueprint.get("/jobs/<jid>/files/<name>")
@contract(
    role=Role.VIEW,
    tag="Results",
    answers={200: Answer("Its bytes, under the type it was saved with.", bytes, media=("*/*",))},
    problems=(*OF_A_JOB, kinds.NOT_FOUND),
    validated=True,
)
def file(jid: str, name: str) -> Response:
    """One file."""
    return _file(find_job(jid), name)


@blueprint.get("/jobs/<jid>/log")
@contract(
    role=Role.VIEW,
    tag="Results",
    query=LogQuery,
    answers={200: Answer("A page; the header Link leads to the next one.", LogPage, headers=("Link",))},
    problems=(*OF_A_JOB, kinds.INVALID_INPUT),
    validated=True,
)
def log(jid: str) -> Response:
    """Log lines, the oldest first. `next` goes on where this page ends, also for lines that are not written yet."""
    asked = query(LogQuery)
    job = find_job(jid)
    lines = backend().jobs.log(job.id, asked.after, asked.limit)
    following = lines[-1]["id"] if lines else (None if asked.after == "-" else asked.after)
    headers = {"Link": page_link("after", lines[-1]["id"])} if len(lines) == asked.limit else {}
    return json_reply({"lines": lines, "next": following}, headers=headers)
