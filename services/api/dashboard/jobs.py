"""Jobs in pages, with filters, and what is done to many of them; failures by kind."""

import time
from typing import Any

from flask import Response, request, url_for

from lib.bulk import Action
from lib.errors import InvalidInput
from services.api.auth import caller_name, own_only
from services.api.backend import backend
from services.api.body import query
from services.api.dashboard.pages import back, blueprint, done_at, page, render
from services.api.dashboard.words import plural
from services.api.queries import FailuresQuery, JobsQuery
from services.api.routes.bulk import change_each
from services.api.tokens import Role

PAGE = 50  # jobs
_SPANS = {"hour": 3_600, "day": 86_400, "week": 7 * 86_400}  # seconds
_STATUSES = ("submitted", "in-progress", "complete", "failed", "cancelled", "scheduled", "waiting")


@blueprint.get("/jobs")
@page(role=Role.VIEW)
def jobs() -> Response:
    """Jobs, the newest first, chosen by state, operation, text and time."""
    given = {name: value for name in ("status", "operation", "search", "span") if (value := request.args.get(name, "").strip())}
    asked = query(JobsQuery)
    since = time.time() - _SPANS[given["span"]] if given.get("span") in _SPANS else asked.since
    chosen = dict(asked) | {"since": since, "limit": PAGE} | {name: given.get(name) for name in ("status", "operation", "search")}
    found = backend().jobs.page(**chosen, brief=True)
    return render(
        "jobs.html",
        given=given,
        asked=asked,
        found=found,
        statuses=_STATUSES,
        spans=list(_SPANS),
        operations=backend().catalog.names(),
        following=address_with(cursor=found.cursor) if found.cursor else None,
        address_with=address_with,
        counts=backend().jobs.counts(),
        here=request.full_path.rstrip("?"),
    )


def address_with(**changed: str | None) -> str:
    """This request's address with other values. Names that are no filter stay behind: some would be orders to `url_for`."""
    given = {name: value for name in ("span", *JobsQuery.model_fields) if (value := request.args.get(name))}
    values: dict[str, Any] = given | changed
    return url_for("ui.jobs", **values)


_ORDERS: dict[Action, str] = {"retry": "run again", "cancel": "cancelled", "delete": "deleted"}


@blueprint.post("/jobs/many")
@page(role=Role.SUBMIT, action="bulk.many")
def many() -> Response:
    """Run again, cancel or delete the chosen jobs. One that cannot be is left alone, and the first of those is told of."""
    wanted = request.form.get("order", "")
    action = next((each for each in _ORDERS if each == wanted), None)
    if action is None:
        raise InvalidInput("order", f"must be one of {', '.join(_ORDERS)}")
    ids = request.form.getlist("ids")[:PAGE]
    address = back(url_for("ui.jobs"))
    if not ids:
        return done_at("No job was chosen.", address)
    answers = change_each(action, ids)
    refused = [answer["problem"]["detail"] for answer in answers if "problem" in answer]
    said = f"{plural(len(answers) - len(refused), 'job')} {_ORDERS[action]}."
    return done_at(f"{said} {len(refused)} left alone: {refused[0]}" if refused else said, address)


@blueprint.get("/failures")
@page(role=Role.VIEW)
def failures() -> Response:
    """Failed jobs by what they failed of."""
    asked = query(FailuresQuery)
    groups, following = backend().jobs.failures(asked.cursor)
    return render("failures.html", groups=groups, following=following, failed=backend().jobs.counts()["failed"])


@blueprint.post("/failures/retry")
@page(role=Role.SUBMIT, action="failures.retry_all")
def retry_failures() -> Response:
    """Run failed jobs again: all, or those that are alike; of a caller who is no admin, their own."""
    fingerprint = request.form.get("fingerprint") or None
    found = backend().jobs.retry_failed(fingerprint, by=own_only(), asker=caller_name() or "")
    more = f"; {found.left} are left, press again" if found.cursor else ""
    return done_at(f"{plural(found.retried, 'job')} run again{more}.", back(url_for("ui.failures")))
