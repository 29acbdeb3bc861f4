"""Batches: many jobs under one id, how far they are, and what can be done to all of them."""

from flask import Response

from services.api.auth import caller_name
from services.api.backend import backend
from services.api.body import query
from services.api.dashboard.pages import blueprint, done, page, render
from services.api.dashboard.words import plural
from services.api.queries import BatchesQuery
from services.api.routes.batches import own_batch
from services.api.tokens import Role

PAGE = 50  # batches


@blueprint.get("/batches")
@page(role=Role.VIEW)
def batches() -> Response:
    """Batches, the newest first."""
    asked = query(BatchesQuery)
    found, following = backend().jobs.batches(PAGE, asked.cursor)
    return render("batches.html", batches=found, cursor=asked.cursor, following=following)


@blueprint.get("/batches/<bid>", endpoint="batch")
@page(role=Role.VIEW)
def one_batch(bid: str) -> Response:
    """One batch."""
    found = backend().jobs.batch(bid)
    return render(
        "batch.html",
        batch=found,
        eta=backend().jobs.batch_eta(found),
        deliveries=[each.to_dict() for each in backend().jobs.deliveries("batch", found.id)],
    )


@blueprint.post("/batches/<bid>/cancel", endpoint="cancel_batch")
@page(role=Role.SUBMIT, action="batches.cancel")
def cancel(bid: str) -> Response:
    """Cancel what has not ended."""
    cancelled, told = backend().jobs.cancel_batch(own_batch(bid).id, caller_name() or "")
    return done(f"{plural(cancelled, 'job')} cancelled, {told} that run were told to stop.", "ui.batch", bid=bid)


@blueprint.post("/batches/<bid>/retry", endpoint="retry_batch")
@page(role=Role.SUBMIT, action="batches.retry")
def retry(bid: str) -> Response:
    """Run what failed or was cancelled again."""
    retried = backend().jobs.retry_batch(own_batch(bid).id, caller_name() or "")
    return done(f"{plural(retried, 'job')} run again.", "ui.batch", bid=bid)
