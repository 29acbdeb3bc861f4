"""`/batches`: many jobs under one id. Submit, list, look at, cancel, retry.

The jobs of a batch are listed by `GET /jobs?batch=<id>`; each can be looked at, cancelled and retried by itself, too.
"""

import uuid
from typing import Any

from flask import Blueprint, Response, g, request, url_for

from lib.errors import InvalidInput
from lib.jobs import Batch, Submission
from services.api import kinds
from services.api.access_log import origin
from services.api.auth import caller_name, caller_quota, check_owner
from services.api.backend import backend
from services.api.body import body_of, page_link, query
from services.api.contract import Answer, Body, contract
from services.api.problems import InvalidBody
from services.api.queries import BatchesQuery
from services.api.replies import json_reply
from services.api.request_schemas import batch_body, batch_examples
from services.api.routes.jobs import OF_A_SUBMIT, accepted_headers_of
from services.api.shapes_batches import BatchBody, BatchPage, BatchRecord, Cancelled, Retried
from services.api.shapes_deliveries import Deliveries, DeliveryRecord
from services.api.submissions import submission_of
from services.api.tokens import Role

blueprint = Blueprint("batches", __name__)


@blueprint.post("/batches")
@contract(
    role=Role.SUBMIT,
    tag="Batches",
    body=Body(batch_body, batch_examples),
    answers={202: Answer("The batch as it was accepted.", BatchRecord, headers=("Location", "Idempotent-Replayed"))},
    problems=OF_A_SUBMIT,
)
def submit() -> Response:
    """Accept up to 10,000 jobs as a batch: all of them, or none.

    Give it an id and ids to its jobs where it must be possible to send it again.
    """
    request.max_content_length = backend().settings.max_batch_bytes
    asked = body_of(BatchBody)
    submissions = [_job(n, body) for n, body in enumerate(asked.jobs)]
    batch, replayed = backend().jobs.submit_batch(
        submissions,
        id=asked.id or str(uuid.uuid4()),
        queue=asked.queue,
        by=caller_name(),
        quota=caller_quota(),
        origin=origin(),
        notify=[target.model_dump(exclude_none=True) for target in asked.notify or []],
    )
    g.made = batch.id
    return json_reply(batch.to_dict(), 202, accepted_headers_of(url_for("batches.get", bid=batch.id), replayed))


@blueprint.get("/batches")
@contract(
    role=Role.VIEW,
    tag="Batches",
    query=BatchesQuery,
    answers={200: Answer("A page; the header Link leads to the next one.", BatchPage, headers=("Link",))},
    problems=(kinds.INVALID_INPUT,),
    validated=True,
)
def index() -> Response:
    """List batches, the newest first."""
    asked = query(BatchesQuery)
    found, cursor = backend().jobs.batches(asked.limit, asked.cursor)
    headers = {"Link": page_link("cursor", cursor)} if cursor else {}
    return json_reply({"batches": [batch.to_dict() for batch in found], "next": cursor}, headers=headers)


@blueprint.get("/batches/<bid>")
@contract(
    role=Role.VIEW,
    tag="Batches",
    answers={200: Answer("The batch.", BatchRecord)},
    problems=(kinds.UNKNOWN_BATCH,),
    validated=True,
)
def get(bid: str) -> Response:
    """One batch, with its counts. `GET /jobs?batch=<id>` lists its jobs."""
    found = backend().jobs.batch(bid)
    return json_reply(found.to_dict() | {"eta": backend().jobs.batch_eta(found)})


@blueprint.post("/batches/<bid>/cancel")
@contract(
    role=Role.SUBMIT,
    tag="Batches",
    answers={200: Answer("What waited is cancelled, and the workers of what runs were told.", Cancelled)},
    problems=(kinds.UNKNOWN_BATCH,),
)
def cancel(bid: str) -> Response:
    """Cancel all jobs of a batch that have not ended."""
    cancelled, told = backend().jobs.cancel_batch(own_batch(bid).id, caller_name() or "")
    return json_reply({"cancelled": cancelled, "told": told})


@blueprint.post("/batches/<bid>/retry")
@contract(
    role=Role.SUBMIT,
    tag="Batches",
    answers={202: Answer("They wait again.", Retried)},
    problems=(kinds.UNKNOWN_BATCH,),
)
def retry(bid: str) -> Response:
    """Run the failed and cancelled jobs of a batch again."""
    return json_reply({"retried": backend().jobs.retry_batch(own_batch(bid).id, caller_name() or "")}, 202)


@blueprint.get("/batches/<bid>/deliveries")
@contract(
    role=Role.VIEW,
    tag="Notifications",
    answers={200: Answer("The last 50.", Deliveries)},
    problems=(kinds.UNKNOWN_BATCH,),
    validated=True,
)
def deliveries(bid: str) -> Response:
    """Webhooks and e-mails about the end of a batch, with every attempt. Empty until it ends."""
    found = backend().jobs.deliveries("batch", backend().jobs.batch(bid).id)
    return json_reply({"deliveries": [each.to_dict() for each in found]})


@blueprint.post("/batches/<bid>/deliveries/<delivery>/resend")
@contract(
    role=Role.SUBMIT,
    tag="Notifications",
    answers={202: Answer("It is sent soon.", DeliveryRecord)},
    problems=(kinds.UNKNOWN_BATCH, kinds.NOT_FOUND),
)
def resend(bid: str, delivery: str) -> Response:
    """Tell somebody again, or now instead of later. The receiver sees the same id as before."""
    return json_reply(backend().jobs.resend("batch", own_batch(bid).id, delivery).to_dict(), 202)


def own_batch(bid: str) -> Batch:
    """The batch, for a change: it must be the caller's own, or the caller an admin. Raises UnknownBatch, Problem."""
    batch = backend().jobs.batch(bid)
    check_owner(batch.by, f"Batch {batch.id}")
    return batch


def _job(number: int, body: Any) -> Submission:
    try:
        submission, queue = submission_of(body, by=caller_name(), quota=caller_quota())
        if queue is not None:
            raise InvalidInput("queue", "belongs to the batch: all of its jobs go to one queue")
    except InvalidBody as error:
        raise InvalidBody([(f"jobs.{number}.{name}", message) for name, message in error.problems]) from None
    except InvalidInput as error:
        raise error.within(f"jobs.{number}") from None
    return submission
