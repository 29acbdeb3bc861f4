"""`/failures`: failed jobs by what they failed of, and many of them run again at once."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response

from lib.errors import InvalidInput, UnknownQueue
from lib.failures import check_fingerprint
from services.api import kinds
from services.api.auth import caller_name, own_only
from services.api.backend import backend
from services.api.body import body_of, page_link, query
from services.api.contract import Answer, Body, contract
from services.api.problems import Problem
from services.api.queries import FailuresQuery
from services.api.replies import json_reply
from services.api.request_schemas import retry_failed_body, retry_failed_examples
from services.api.shapes_failures import Failures, RetriedJobs, RetryFailedBody
from services.api.tokens import Role

blueprint = Blueprint("failures", __name__)

_BODY = Body(retry_failed_body, retry_failed_examples, required=False)
_RETRIED = Answer("What was run again within a second; where `next` is not null, send it as `cursor` to go on.", RetriedJobs)
_PROBLEMS = (kinds.INVALID_JSON, kinds.INVALID_INPUT, kinds.UNKNOWN_QUEUE, kinds.STORE_FULL)


@blueprint.get("/failures")
@contract(
    role=Role.VIEW,
    tag="Jobs",
    query=FailuresQuery,
    answers={200: Answer("A page; the header Link leads to the next one.", Failures, headers=("Link",))},
    problems=(kinds.INVALID_INPUT,),
    validated=True,
)
def index() -> Response:
    """Failed jobs by what they failed of, what was seen last first.

    `GET /jobs?fingerprint=` lists the jobs of a group.
    """
    asked = query(FailuresQuery)
    groups, following = backend().jobs.failures(asked.cursor, asked.limit)
    headers = {"Link": page_link("cursor", following)} if following else {}
    return json_reply({"failures": [asdict(group) for group in groups], "next": following}, headers=headers)


@blueprint.post("/failures/retry")
@contract(role=Role.SUBMIT, tag="Jobs", body=_BODY, answers={200: _RETRIED}, problems=_PROBLEMS)
def retry_all() -> Response:
    """Run all failed jobs again, those submitted first first; of a caller who is no admin, their own.

    Works for about a second. What fails again meanwhile is left alone as long as the cursor is sent.
    """
    return _retry(None)


@blueprint.post("/failures/<fingerprint>/retry")
@contract(
    role=Role.SUBMIT,
    tag="Jobs",
    body=_BODY,
    answers={200: _RETRIED},
    problems=(*_PROBLEMS, kinds.NOT_FOUND),
)
def retry_alike(fingerprint: str) -> Response:
    """Run the failed jobs of one group again, as `/failures/retry` does all."""
    try:
        check_fingerprint(fingerprint)
    except InvalidInput as error:
        raise Problem(kinds.NOT_FOUND, str(error)) from None
    return _retry(fingerprint)


def _retry(fingerprint: str | None) -> Response:
    asked = body_of(RetryFailedBody)
    jobs = backend().jobs
    if asked.queue is not None and asked.queue not in backend().settings.all_queues:
        raise UnknownQueue("queue", f"{asked.queue[:80]!r} is not one of {', '.join(backend().settings.all_queues)}")
    wanted: dict[str, Any] = {"operation": asked.operation, "queue": asked.queue, "by": own_only(), "cursor": asked.cursor}
    done = jobs.retry_failed(fingerprint, **wanted, asker=caller_name() or "")
    return json_reply({"retried": done.retried, "left": done.left, "next": done.cursor})
