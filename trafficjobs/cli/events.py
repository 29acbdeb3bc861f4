"""`events`: what happens, as it happens, one event a line. It goes on over lost connections."""

from typing import Annotated, Any

import typer

from trafficjobs.cli import output
from trafficjobs.cli.session import Session, command
from trafficjobs.events import Event


def add_to(app: typer.Typer) -> None:
    """Make `events` a command of `app`."""
    command(app)(events)


def events(
    session: Session,
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Id of a job; without it of all, and what callers do.")] = None,
    after: Annotated[str | None, typer.Option(metavar="EVENT", help="Id of the last event known; only later ones.")] = None,
    status: Annotated[str | None, typer.Option(help="Of all jobs: only of those that are in this state then.")] = None,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", min=0, help="Go on no longer than this.")] = None,
) -> None:
    """Print events as they happen, with --json one document a line. With an ID until the job has ended, else until Ctrl-C."""
    client = session.client
    found = client.events(timeout, after, status) if id is None else client.job(id).events(timeout, after)
    for event in found:
        if session.as_json:
            output.document({"kind": event.kind, "id": event.id, "data": event.data}, indent=None)
        else:
            print(output.clean(_line(event)), flush=True)


def _line(event: Event) -> str:
    data: dict[str, Any] = event.data if isinstance(event.data, dict) else {"": event.data}
    if event.kind == "log":
        return f"log       {data.get('line', '')}"
    shown = {name: value for name, value in data.items() if value not in (None, "", [], {}) and name not in ("id", "status")}
    rest = " ".join(f"{name}={output.shown(value)}" for name, value in shown.items()) if event.kind != "job" else ""
    return f"{event.kind:<8}  {data.get('id', '')}  {data.get('status', ''):<11}  {rest}".rstrip()
