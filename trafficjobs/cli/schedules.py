"""`schedule`: jobs that recur. Make, change, list, show, pause, resume, trigger and delete them."""

from typing import Annotated, Any

import typer

from trafficjobs.cli import output
from trafficjobs.cli.parameters import json_object, parsed
from trafficjobs.cli.session import Session, command
from trafficjobs.cli.submit import JsonParams, Notify, NotifyOn, Pairs, targets
from trafficjobs.shapes import ScheduleRecord

Id = Annotated[str, typer.Argument(metavar="SCHEDULE", help="Id of the schedule; `schedule list` shows them.")]
Cron = Annotated[str | None, typer.Option(metavar="'M H D M W'", help="Cron expression, or @hourly, @daily, ...")]
Every = Annotated[float | None, typer.Option(metavar="SECONDS", min=1, help="Seconds between two jobs.")]
Zone = Annotated[str | None, typer.Option(metavar="ZONE", help="Of --cron; the service's by default.")]
Missed = Annotated[str | None, typer.Option(metavar="once|skip|all", help="What becomes of missed times.")]
_MADE_ANEW = ("input", "start", "end")  # of a job in an answer: what the service makes of the parameters, and takes from nobody
_COLUMNS = ("SCHEDULE", "WHEN", "OPERATION", "STATE", "NEXT", "LAST JOB", "FIRED")


def add_to(app: typer.Typer) -> None:
    """Make `schedule` a group of `app`."""
    group = typer.Typer(help="Jobs that recur: by cron in a time zone, or every so many seconds.")
    for function in (new, change, show, pause, resume, trigger, delete):
        command(group)(function)
    command(group, "list")(list_schedules)
    app.add_typer(group, name="schedule")


def new(
    session: Session,
    operation: Annotated[str, typer.Argument(help="Name of an operation; `operations` lists them.")],
    cron: Cron = None,
    every: Every = None,
    timezone: Zone = None,
    param: Pairs = None,
    json_params: JsonParams = None,
    missed: Missed = None,
    queue: Annotated[str | None, typer.Option(help="Queue its jobs go to.")] = None,
    priority: Annotated[str | None, typer.Option(metavar="high|normal|low")] = None,
    notify: Notify = None,
    notify_on: NotifyOn = None,
    id: Annotated[str | None, typer.Option("--id", help="Of the schedule; sending it again changes nothing.")] = None,
) -> None:
    """Let a job be submitted again and again.

    For example: trafficjobs schedule new plot -p kind=by_hour --cron "30 6 * * 1-5" --timezone America/Chicago
    """
    params = _params(session, operation, param, json_params)
    job: dict[str, Any] = {"operation": operation, "params": params}
    options = {"queue": queue, "priority": priority, "notify": targets(notify, notify_on)}
    job |= {name: value for name, value in options.items() if value is not None}
    made = session.client.create_schedule(job, cron=cron, every=every, timezone=timezone, missed=missed, id=id)
    session.show(made, lambda: _made(made))


def _params(session: Session, operation: str, param: list[str] | None, json_params: str | None) -> dict[str, Any]:
    """The parameters that were given."""
    params = json_object(json_params, "--json-params") if json_params is not None else {}
    return params | (parsed(param, session.client.operation(operation).get("schema", {})) if param else {})


def change(
    session: Session,
    id: Id,
    cron: Cron = None,
    every: Every = None,
    timezone: Zone = None,
    param: Pairs = None,
    json_params: JsonParams = None,
    missed: Missed = None,
) -> None:
    """Change when a schedule fires, or parameters of its job; what is not named stays. It keeps its pause and history.

    For example: trafficjobs schedule change rush --cron "0 7 * * *"
    """
    known = session.client.schedule(id)
    if cron is None and every is None:
        cron, every = known.get("cron"), known.get("every")
    if timezone is None and cron is not None:
        timezone = known.get("timezone")
    job = {name: value for name, value in known["job"].items() if name not in _MADE_ANEW}
    job["params"] = job.get("params", {}) | _params(session, job["operation"], param, json_params)
    if (queue := known.get("queue")) is not None:  # beside the job in an answer, and within it in a body
        job["queue"] = queue
    options: dict[str, Any] = {"cron": cron, "every": every, "timezone": timezone, "missed": missed or known.get("missed")}
    made = session.client.change_schedule(id, job, **options)
    session.show(made, lambda: _made(made))


def _made(made: ScheduleRecord) -> None:
    output.say(made["id"])
    output.note(f"Next at {made['next']}")


def list_schedules(session: Session) -> None:
    """List every schedule with its next time."""
    found = session.client.schedules()
    session.show({"schedules": found}, lambda: output.table(_COLUMNS, map(_row, found), "There are no schedules."))


def _row(one: ScheduleRecord) -> list[Any]:
    when = f"{one['cron']} ({one['timezone']})" if "cron" in one else f"every {output.seconds_text(one['every'])}"
    state = "paused" if one["paused"] else "trouble" if one["problem"] else "on"
    return [one["id"], when, one["job"]["operation"], state, one["next"], one["last_job"], one["fired"]]


def show(session: Session, id: Id) -> None:
    """Show one schedule with its next five times."""
    found = session.client.schedule(id)
    rows = [(name, value) for name, value in found.items() if value is not None]
    session.show(found, lambda: output.table(("", ""), rows))


def pause(session: Session, id: Id) -> None:
    """Fire it no more until it is resumed."""
    _state(session, session.client.pause_schedule(id))


def resume(session: Session, id: Id) -> None:
    """Let it go on with its next time."""
    _state(session, session.client.resume_schedule(id))


def _state(session: Session, found: ScheduleRecord) -> None:
    text = f"{found['id']} is paused" if found["paused"] else f"{found['id']} is on; next at {found['next']}"
    session.show(found, lambda: output.say(text))


def trigger(session: Session, id: Id) -> None:
    """Submit its job now, beside its times; prints the job's id."""
    job = session.client.trigger_schedule(id)
    session.show(job.record, lambda: output.say(job.id))


def delete(session: Session, id: Id) -> None:
    """Delete a schedule; what it has submitted stays."""
    session.client.delete_schedule(id)
    session.show({"deleted": id}, lambda: output.say(f"{id} is deleted"))
