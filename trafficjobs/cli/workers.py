"""Commands on workers: list them with what they run, drain one, resume it."""

from typing import Annotated

import typer

from trafficjobs.cli import output
from trafficjobs.cli.session import Session, command
from trafficjobs.shapes import WorkerRecord

Name = Annotated[str, typer.Argument(metavar="WORKER", help="Name of the worker; `workers` lists them.")]
_COLUMNS = ("WORKER", "STATE", "BEAT", "BUSY", "MEMORY", "VERSION", "QUEUES", "RUNS")


def add_to(app: typer.Typer) -> None:
    """Make `workers` a command of `app`, and `worker` a group."""
    command(app)(workers)
    group = typer.Typer(help="One worker: let it take no more jobs, or go on.")
    command(group)(drain)
    command(group)(resume)
    app.add_typer(group, name="worker")


def workers(session: Session) -> None:
    """Show the workers and what they run."""
    found = session.client.workers()
    rows = [
        (
            one["name"],
            state(one),
            f"{output.age(one.get('beat'))} ago",
            f"{len(one.get('running', []))} of {one.get('children', '?')}",
            f"{memory / 2**20:.0f} MiB" if (memory := one.get("memory_bytes")) else "-",
            one.get("version"),
            ", ".join(one.get("queues", [])),
            ", ".join(f"{job['operation']} {job['job']} ({job['seconds']:g} s)" for job in one.get("running", [])) or "-",
        )
        for one in found
    ]
    session.show({"workers": found}, lambda: output.table(_COLUMNS, rows, "No worker beats."))


def state(one: WorkerRecord) -> str:
    """Whether it takes jobs."""
    if one.get("stopping"):
        return "stopping"
    if not one.get("draining"):
        return "on"
    return "drained" if one.get("drained") else "draining"


def drain(session: Session, name: Name) -> None:
    """Let a worker end what it runs and take no more, until it is resumed or stops."""
    _told(session, session.client.drain_worker(name))


def resume(session: Session, name: Name) -> None:
    """Let a drained worker take jobs again."""
    _told(session, session.client.resume_worker(name))


def _told(session: Session, found: WorkerRecord) -> None:
    session.show(found, lambda: output.say(f"{found['name']} is {state(found)}; it runs {len(found['running'])} jobs"))
