"""Commands on the service: operations, templates, queues, pause, resume, drain, open, purge."""

import shlex
from typing import Annotated, Any

import typer

from trafficjobs.cli import output
from trafficjobs.cli.session import Session, command
from trafficjobs.errors import Invalid, NotFound
from trafficjobs.shapes import OperationRecord, QueueRecord

QueueName = Annotated[str, typer.Argument(metavar="QUEUE", help="Name of the queue; `queues` lists them.")]
QUEUE_COLUMNS = ("QUEUE", "STATE", "DEPTH", "RUNNING", "SCHEDULED", "IDLE", "OLDEST")


def add_to(app: typer.Typer) -> None:
    """Make them commands of `app`."""
    for function in (operations, templates, queues, pause, resume, drain, purge):
        command(app)(function)
    command(app, "open")(open_again)


def operations(
    session: Session, name: Annotated[str | None, typer.Argument(help="Show this one with its parameters.")] = None
) -> None:
    """List what jobs can do, or show one operation with its parameters."""
    if name is not None:
        found = session.client.operation(name)
        session.show(found, lambda: _show_operation(found))
        return
    every = session.client.operations()
    session.show({"operations": every}, lambda: output.table(("OPERATION", ""), [(one["name"], one["summary"]) for one in every]))


def _show_operation(found: OperationRecord) -> None:
    output.say(f"{found['name']}: {found.get('description') or found.get('summary')}")
    schema = found.get("schema", {})
    required = schema.get("required", [])
    rows = []
    for name, about in schema.get("properties", {}).items():
        default = "required" if name in required else output.shown(about.get("default"))
        rows.append((name, kind(about, schema), default, about.get("description", "")))
    if rows:
        output.say()
        output.table(("PARAMETER", "TYPE", "DEFAULT", ""), rows)
    given = found.get("template", {}).get("params", {})
    words = " ".join(f"-p {name}={quoted(value)}" for name, value in given.items())
    output.say(f"\nTry: trafficjobs submit {found['name']} {words} --wait".replace("  ", " "))


def kind(about: dict[str, Any], root: dict[str, Any]) -> str:
    """The type of a parameter in a few words."""
    if "$ref" in about:
        return kind(root.get("$defs", {}).get(str(about["$ref"]).rpartition("/")[2], {}), root)
    if "enum" in about:
        return "|".join(map(str, about["enum"]))
    if choices := about.get("anyOf") or about.get("oneOf"):
        return " or ".join(text for one in choices if (text := kind(one, root)) != "null")
    if about.get("type") == "array":
        return f"{kind(about.get('items', {}), root)}, several times"
    low, high = about.get("minimum"), about.get("maximum")
    span = f" {low if low is not None else ''}..{high if high is not None else ''}" if low is not None or high is not None else ""
    return f"{about.get('format') or about.get('type', 'any')}{span}"


def quoted(value: Any) -> str:
    """A value as one types it after -p NAME=."""
    return shlex.quote(output.shown(value))


def templates(session: Session, name: Annotated[str | None, typer.Argument(help="Of this operation alone.")] = None) -> None:
    """Print bodies that `submit --file` takes as they stand, a line for each operation."""
    found = session.client.templates()
    if name is not None and name not in found:
        raise NotFound(f"There is no operation {name!r}; `trafficjobs operations` lists them.")
    chosen = found if name is None else {name: found[name]}
    lines = "\n".join(output.as_json(body, None) for body in chosen.values())
    session.show(chosen, lambda: output.say(lines))


def queues(session: Session, name: Annotated[str | None, typer.Argument(help="Show this one alone.")] = None) -> None:
    """Show every queue, or one."""
    if name is not None:
        one = session.client.queue(name)
        session.show(one, lambda: output.table(QUEUE_COLUMNS, [queue_row(one)]))
        return
    found = session.client.queues()
    session.show({"queues": found}, lambda: output.table(QUEUE_COLUMNS, map(queue_row, found)))


def queue_row(queue: QueueRecord) -> list[Any]:
    """A queue in a table."""
    oldest = queue.get("oldest_age") or 0.0
    return [
        queue["name"],
        queue_state(queue),
        queue["depth"],
        queue["running"],
        queue["scheduled"],
        queue.get("idle_children"),
        output.seconds_text(oldest) if oldest else "-",
    ]


def queue_state(queue: QueueRecord) -> str:
    """Whether anything goes out of a queue, and into it."""
    flags = [name for name in ("paused", "draining") if queue.get(name)]
    return ", ".join(flags) or "open"


def pause(session: Session, queue: QueueName) -> None:
    """Stop a queue; what runs, runs on, and jobs are accepted."""
    _state(session, session.client.pause(queue))


def resume(session: Session, queue: QueueName) -> None:
    """Let a paused queue go on."""
    _state(session, session.client.resume(queue))


def drain(session: Session, queue: QueueName) -> None:
    """Have a queue accept nothing more; what stands in it runs to its end."""
    _state(session, session.client.drain(queue))


def open_again(session: Session, queue: QueueName) -> None:
    """Let a drained queue accept jobs again."""
    _state(session, session.client.open(queue))


def purge(
    session: Session,
    queue: QueueName,
    scheduled: Annotated[bool, typer.Option("--scheduled", help="Also jobs that wait for their time.")] = False,
    foreign: Annotated[bool, typer.Option("--foreign", help="Also entries of other programs that are no job yet.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="I know that they are cancelled.")] = False,
) -> None:
    """Cancel all jobs that wait in a queue; what runs, runs on."""
    if not yes:
        raise Invalid(f"This cancels every job that waits in {queue}; say so with --yes.")
    cancelled = session.client.purge(queue, scheduled=scheduled, foreign=foreign)
    session.show({"cancelled": cancelled}, lambda: output.say(f"{cancelled} jobs cancelled"))


def _state(session: Session, found: QueueRecord) -> None:
    session.show(found, lambda: output.say(f"{found['name']} is {queue_state(found)}; {found['depth']} jobs wait in it"))
