"""Submitting by hand: the operations there are, and a form for each, made from the model of its parameters.

What the form gives goes through the checks of `POST /jobs`, and its errors stand beside the fields. The form carries the id of
the job that it makes: sent twice, it is one job.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Response, request

from lib.errors import Conflict, InvalidInput, InvalidParameters, QueueDraining, UnknownJob
from lib.filters import Filters
from lib.operations import Operation
from lib.states import PRIORITIES
from services.api.access_log import origin
from services.api.auth import caller_name, caller_quota
from services.api.backend import backend
from services.api.dashboard.fields import Field, fields_of, of_params, params_of
from services.api.dashboard.job import params_given
from services.api.dashboard.pages import blueprint, done, page, render
from services.api.problems import InvalidBody
from services.api.routes.jobs import find_job
from services.api.routes.operations import known_operation
from services.api.submissions import is_job_id, submission_of
from services.api.tokens import Role

# Beside the parameters: name, type, description, attributes.
OPTIONS = (
    ("run_in", float, "Seconds until it joins its queue.", {"min": 0, "step": "any"}),
    ("timeout", float, "Seconds that a run may take.", {"min": 0, "step": "any"}),
    ("retries", int, "How often it is tried again after an exception or a timeout.", {"min": 0, "max": 100, "step": 1}),
)


@blueprint.get("/submit")
@page(role=Role.VIEW)
def submit() -> Response:
    """What a job can do."""
    catalog = backend().catalog
    return render("submit.html", operations=[catalog.get(name) for name in catalog.names()], broken=catalog.broken)


@blueprint.get("/submit/<name>")
@page(role=Role.VIEW)
def form(name: str) -> Response:
    """The form of one operation, empty, or filled as a job was."""
    operation = known_operation(name)
    like = request.args.get("like", "")
    values: Mapping[str, Any] = operation.example
    if like:
        try:
            values = params_given(find_job(like))
        except UnknownJob:
            like = ""
    return _form(operation, values, {}, {}, like=like)


@blueprint.post("/submit/<name>")
@page(role=Role.SUBMIT, action="jobs.submit")
def submitted(name: str) -> Response:
    """Accept the job, or show the form again with what is wrong."""
    operation = known_operation(name)
    params = params_of(operation.json_schema(), request.form)
    options = {each: request.form[each] for each in ("queue", "priority") if request.form.get(each)}
    try:
        body = {"operation": name, "params": params, "id": _id(), **options, **_numbers()}
        submission, queue = submission_of(body, by=caller_name(), quota=caller_quota(), origin=origin())
        accepted = backend().jobs.submit(submission, queue=queue)
    except (InvalidParameters, InvalidBody) as error:
        return _form(operation, params, dict(reversed(error.problems)), request.form, 422)
    except InvalidInput as error:
        return _form(operation, params, {error.field or "form": error.message}, request.form, 400)
    except QueueDraining as error:
        return _form(operation, params, {"queue": str(error)}, request.form, 409)
    except Conflict:
        words = "This form was sent before with other content. Send it again, and it is a job of its own."
        return _form(operation, params, {"form": words}, request.form, 409)
    said = "An equal job stands for it." if accepted.deduplicated or accepted.cached else "Accepted."
    return done(said, "ui.job", jid=accepted.id)


def _id() -> str:
    given = request.form.get("id", "")
    return given if is_job_id(given) else str(uuid.uuid4())


def _numbers() -> dict[str, Any]:
    """The options that are numbers. Raises InvalidInput naming the one that is none."""
    found: dict[str, Any] = {}
    for name, read, _, _ in OPTIONS:
        if text := request.form.get(name, "").strip():
            try:
                found[name] = read(text)
            except ValueError:
                raise InvalidInput(name, f"must be a number, not {text[:40]!r}") from None
    if "retries" in found:
        found["retry"] = {"max": found.pop("retries")}
    return found


def _form(
    operation: Operation,
    values: Mapping[str, Any],
    errors: Mapping[str, str],
    sent: Mapping[str, str],
    status: int = 200,
    like: str = "",
) -> Response:
    errors = {name.replace("retry.max", "retries"): text for name, text in errors.items()}
    fields = fields_of(operation.json_schema(), values, of_params(errors))
    beside = {"queue", "priority", *(name for name, *_ in OPTIONS), *(f"params.{each.name}" for each in fields)}
    return render(
        "form.html",
        status,
        operation=operation,
        fields=fields,
        folded=folded(fields),
        others=[f"{name}: {text}" if name != "form" else text for name, text in errors.items() if name not in beside],
        errors={name: text for name, text in errors.items() if not name.startswith("params.")},
        sent=sent,
        like=like,
        job_id=str(uuid.uuid4()),
        queues=backend().settings.own_queues,
        priorities=PRIORITIES,
        options=OPTIONS,
    )


def folded(fields: list[Field]) -> list[str]:
    """Names of those that stand folded away: filters that nearly every operation takes, while nothing is in them."""
    return [each.name for each in fields if each.name in Filters.model_fields and not (each.required or each.value or each.error)]
