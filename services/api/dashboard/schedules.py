"""Schedules: jobs that recur. Listed, switched, triggered and deleted; made and changed with the form of their operation."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from flask import Response, request

from lib.errors import Conflict, InvalidInput, InvalidParameters
from lib.jobs import Recurrence, Schedule
from lib.schedules import MISSED
from lib.states import PRIORITIES
from services.api.access_log import origin
from services.api.auth import caller_name
from services.api.backend import backend
from services.api.body import parsed
from services.api.dashboard.fields import fields_of, of_params, params_of
from services.api.dashboard.pages import blueprint, done, page, render
from services.api.dashboard.submit import folded
from services.api.problems import InvalidBody
from services.api.routes.operations import known_operation
from services.api.routes.schedules import own_schedule, schedule_of
from services.api.shapes_schedules import NewScheduleBody
from services.api.tokens import Role

PAGE = 50  # schedules
TIMES = 3  # next ones that are shown
_OFFERED = ("operation", "params", "priority", "input", "start", "end")  # parts of a job that a form says anew
_WHEN = ("cron", "every", "timezone", "missed")
_NEW = {"cron": "0 6 * * *", "missed": "once"}
_ORDERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "pause": ("{} is paused.", lambda sid: backend().jobs.pause_schedule(sid)),
    "resume": ("{} goes on with its next time.", lambda sid: backend().jobs.resume_schedule(sid)),
    "delete": ("{} is deleted; its jobs stay.", lambda sid: backend().jobs.delete_schedule(sid)),
}


@blueprint.get("/schedules")
@page(role=Role.VIEW)
def schedules() -> Response:
    """Schedules in the order of their making, with their next times and what became of the last."""
    given = request.args.get("page", "")
    number = min(int(given), 10_000) if given.isascii() and given.isdecimal() and len(given) < 6 else 0
    found = backend().jobs.schedules(number * PAGE, PAGE + 1)
    shown = found[:PAGE]
    last = [each.last_job for each in shown if each.last_job]
    jobs = {job.id: job for job in backend().jobs.get_many(last) if job is not None} if last else {}
    return render(
        "schedules.html",
        schedules=[(each, each.to_dict()["upcoming"][:TIMES]) for each in shown],
        jobs=jobs,
        number=number,
        more=len(found) > PAGE,
        key=lambda: str(uuid.uuid4()),
    )


def _order(order: str) -> Callable[[str], Response]:
    said, change = _ORDERS[order]

    def view(sid: str) -> Response:
        change(own_schedule(sid).id)
        return done(said.format(sid), "ui.schedules")

    view.__doc__ = f"{order.capitalize()} a schedule."
    return page(role=Role.SUBMIT, action=f"schedules.{order}")(view)


for _name in _ORDERS:
    blueprint.add_url_rule(f"/schedules/<sid>/{_name}", f"{_name}_schedule", _order(_name), methods=["POST"])


@blueprint.post("/schedules/<sid>/trigger", endpoint="trigger_schedule")
@page(role=Role.SUBMIT, action="schedules.trigger")
def trigger(sid: str) -> Response:
    """Submit its job now; a form that is sent twice is one job."""
    own, key = own_schedule(sid), request.form.get("key") or None
    one = backend().jobs.trigger_schedule(own.id, str(uuid.uuid4()), idempotency_key=key, origin=origin())
    return done("Accepted.", "ui.job", jid=one.id)


@blueprint.get("/schedules/new", endpoint="new_schedule")
@page(role=Role.VIEW)
def new() -> Response:
    """The form of a new one; without an operation, those there are."""
    name = request.args.get("operation", "")
    if not name:
        catalog = backend().catalog
        return render("schedule_of.html", operations=[catalog.get(each) for each in catalog.names()])
    return _form(name, known_operation(name).example, _NEW | {"timezone": backend().settings.timezone}, {})


@blueprint.post("/schedules/new", endpoint="create_schedule")
@page(role=Role.SUBMIT, action="schedules.create")
def create() -> Response:
    """Make it; the form carries an id for it: sent twice, it is one schedule."""
    return _put(request.form.get("operation", ""), None)


@blueprint.get("/schedules/<sid>/change", endpoint="schedule")
@page(role=Role.VIEW)
def one(sid: str) -> Response:
    """The form of one that stands."""
    found = backend().jobs.schedule(sid)
    when = found.recurrence
    values: dict[str, Any] = {"missed": found.missed, "queue": found.queue, "priority": found.job.get("priority", "normal")}
    values |= {"cron": when.cron, "timezone": when.timezone} if when.every is None else {"every": f"{when.every:g}"}
    values.setdefault("timezone", backend().settings.timezone)
    return _form(found.job["operation"], found.job.get("params", {}), values, {}, schedule=found)


@blueprint.post("/schedules/<sid>/change", endpoint="change_schedule")
@page(role=Role.SUBMIT, action="schedules.change")
def change(sid: str) -> Response:
    """Change when it fires and what it does; what the form does not offer stays as it is."""
    own = own_schedule(sid)
    return _put(own.job["operation"], own)


def _put(name: str, own: Schedule | None) -> Response:
    operation = known_operation(name)
    form = {key: text.strip() for key, text in request.form.items()}
    params = params_of(operation.json_schema(), request.form)
    try:
        body = _body(form, name, params)
        if own is None:
            made = schedule_of(body, body.id or form.get("fresh") or str(uuid.uuid4()), caller_name())
        else:
            made = schedule_of(body, own.id, own.by)
            kept = {key: value for key, value in own.job.items() if key not in _OFFERED}
            made = replace(made, job=kept | made.job)
        put = backend().jobs.put_schedule(made, replace=own is not None)
    except (InvalidParameters, InvalidBody) as error:
        return _form(name, params, form, dict(reversed(error.problems)), 422, own)
    except InvalidInput as error:
        return _form(name, params, form, {error.field or "form": error.message}, 400, own)
    except Conflict as error:
        return _form(name, params, form, {"id" if own is None else "form": str(error)}, 409, own)
    return done(f"{put.id} fires at its next time." if not put.paused else f"{put.id} is changed, and paused.", "ui.schedules")


def _body(form: Mapping[str, str], name: str, params: dict[str, Any]) -> NewScheduleBody:
    """What the form says, as the API takes it. Raises InvalidBody."""
    job = {"operation": name, "params": params} | {key: form[key] for key in ("queue", "priority") if form.get(key)}
    given: dict[str, Any] = {key: form[key] for key in (*_WHEN, "id") if form.get(key)}
    if "cron" not in given:
        given.pop("timezone", None)  # its field is filled whichever of the two is chosen
    if "every" in given:
        try:
            given["every"] = float(given["every"])
        except ValueError:
            raise InvalidInput("every", f"must be a number of seconds, not {given['every'][:40]!r}") from None
    return parsed(NewScheduleBody, given | {"job": job}, coerce=False)


def _form(
    name: str,
    params: Mapping[str, Any],
    values: Mapping[str, Any],
    errors: Mapping[str, str],
    status: int = 200,
    schedule: Schedule | None = None,
) -> Response:
    known = name in backend().catalog
    fields = fields_of(backend().catalog.get(name).json_schema(), params, of_params(errors)) if known else []
    beside = {*_WHEN, "id", "queue", "priority", *(f"params.{each.name}" for each in fields)}
    return render(
        "schedule.html",
        status,
        operation=backend().catalog.get(name) if known else None,
        name=name,
        schedule=schedule,
        fields=fields,
        folded=folded(fields),
        values=values,
        errors=errors,
        others=[f"{each}: {text}" if each != "form" else text for each, text in errors.items() if each not in beside],
        times=_times(values),
        fresh=str(uuid.uuid4()),
        queues=backend().settings.own_queues,
        priorities=PRIORITIES,
        missed=MISSED,
    )


def _times(values: Mapping[str, Any]) -> list[float]:
    """The next times of what stands in the form, seconds since 1970; none where it cannot be read."""
    now = time.time()
    try:
        every = float(values["every"]) if values.get("every") else None
        recurrence = Recurrence(values.get("cron") or None, every, values.get("timezone") or backend().settings.timezone, now)
    except (InvalidInput, ValueError):
        return []
    return list(islice(recurrence.after(now), TIMES))
