"""What a job has left: its result, its files, its log.

A result is JSON unless Accept prefers the type of one of the job's files, such as image/png of a plot.
"""

import re

from flask import Blueprint, Response, request, url_for

from lib.errors import InvalidInput
from lib.jobs import Job
from lib.states import CANCELLED, COMPLETE, TERMINAL
from services.api.backend import backend
from services.api.body import page_link, query_int
from services.api.problems import CANCELLED as JOB_CANCELLED
from services.api.problems import NOT_ACCEPTABLE, NOT_FOUND, Problem
from services.api.replies import file_reply, json_reply
from services.api.routes.jobs import find_job

blueprint = Blueprint("results", __name__)

POLL_AFTER = "1"  # seconds, for Retry-After of what is not there yet
MOST_LINES = 1_000
_ENTRY_ID = re.compile(r"\d{1,20}(-\d{1,20})?\Z", re.ASCII)


@blueprint.get("/jobs/<jid>/results")
def result(jid: str) -> Response:
    """The result: 200 with it (or with `{"error"}` of a failed job), 202 while there is none yet, 409 where it was cancelled."""
    job = find_job(jid)
    if job.status not in TERMINAL:
        return json_reply({"id": job.id, "status": job.status}, 202, {"Retry-After": POLL_AFTER})
    if job.status == CANCELLED:
        raise Problem(JOB_CANCELLED, f"Job {job.id} was cancelled; POST /jobs/{job.id}/retry runs it again.")
    if job.status == COMPLETE and not _json_is_best():
        return _preferred_file(job)
    return _vary(json_reply(job.result))


def _json_is_best() -> bool:
    accept = request.accept_mimetypes
    return not accept.provided or accept["application/json"] >= max(quality for _, quality in accept)


def _preferred_file(job: Job) -> Response:
    files = backend().jobs.files(job.id)
    types = {about["content_type"].partition(";")[0]: name for name, about in sorted(files.items(), reverse=True)}
    offers = ["application/json", *types]  # the first wins where Accept has no preference
    best = request.accept_mimetypes.best_match(offers)
    if best is None:
        raise Problem(NOT_ACCEPTABLE, f"Job {job.id} has its result as {', '.join(offers)} only.")
    return _vary(json_reply(job.result) if best == "application/json" else _file(job, types[best]))


def _vary(response: Response) -> Response:
    response.vary.add("Accept")
    return response


def _file(job: Job, name: str) -> Response:
    found = backend().jobs.file(job.id, name)
    if found is None:
        raise Problem(NOT_FOUND, f"Job {job.id} has no file {name[:100]!r}; GET /jobs/{job.id}/files lists what it has.")
    return file_reply(*found)


@blueprint.get("/jobs/<jid>/files")
def files(jid: str) -> Response:
    """Names, types, sizes and addresses of a job's files."""
    job = find_job(jid)
    found = backend().jobs.files(job.id)
    return json_reply(
        {
            "files": [
                {"name": name, **about, "url": url_for("results.file", jid=jid, name=name)}
                for name, about in sorted(found.items())
            ]
        }
    )


@blueprint.get("/jobs/<jid>/files/<name>")
def file(jid: str, name: str) -> Response:
    """One file."""
    return _file(find_job(jid), name)


@blueprint.get("/jobs/<jid>/log")
def log(jid: str) -> Response:
    """Log lines, the oldest first. `next` goes on where this page ends, also for lines that are not written yet."""
    after = request.args.get("after", "-")
    if after != "-" and not _ENTRY_ID.match(after):
        raise InvalidInput("after", "must be the `next` of the page before")
    limit = query_int("limit", MOST_LINES)
    if not 1 <= limit <= MOST_LINES:
        raise InvalidInput("limit", f"must be 1 to {MOST_LINES}")
    job = find_job(jid)
    lines = backend().jobs.log(job.id, after, limit)
    following = lines[-1]["id"] if lines else (None if after == "-" else after)
    headers = {"Link": page_link("after", lines[-1]["id"])} if len(lines) == limit else {}
    return json_reply({"lines": lines, "next": following}, headers=headers)
