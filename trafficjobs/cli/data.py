"""`load` a file of incidents, and `data`: search them, show one, list the versions."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trafficjobs.cli import output
from trafficjobs.cli.session import Session, command
from trafficjobs.cli.waiting import ended
from trafficjobs.errors import Invalid

MODES = ("replace", "append")
_COLUMNS = ("report_id", "published", "issue", "address", "status")  # what fits on a screen; --json has all


def add_to(app: typer.Typer) -> None:
    """Make `load` a command of `app`, and `data` a group of it."""
    command(app)(load)
    group = typer.Typer(help="Search the incidents, and see which versions of the data there are.")
    command(group)(search)
    command(group)(get)
    command(group)(versions)
    app.add_typer(group, name="data")


def load(
    session: Session,
    file: Annotated[Path | None, typer.Argument(help="CSV, JSON or JSON lines; without it the service's own DATA_FILE.")] = None,
    mode: Annotated[str, typer.Option(metavar="replace|append", help="What happens to the data that is there.")] = "replace",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is loaded.")] = True,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", min=0, help="Wait no longer than this.")] = None,
) -> None:
    """Load a file of incidents."""
    if mode not in MODES:
        raise Invalid(f"--mode is {' or '.join(MODES)}, not {mode!r}.")
    with output.bar() as shown:
        task = shown.add_task("upload", total=None, note="")

        def progress(sent: int, total: int | None) -> None:
            shown.update(task, completed=sent, total=total, note=f"{sent / 2**20:.1f} MiB")

        job = session.client.load(file, mode=mode, progress=progress)
    if not wait:
        session.show(job.record, lambda: output.say(job.id))
        return
    ended(job, timeout)
    if session.as_json:
        output.document(job.record)
    report = job.value()
    if not session.as_json:
        rows = report.get("rows") if isinstance(report, dict) else None
        output.say(f"{rows:,} incidents are loaded" if isinstance(rows, int) else "The data is loaded")
        output.note(f"The report: trafficjobs result {job.id}")


def search(
    session: Session,
    text: Annotated[str | None, typer.Argument(help="In the address or the issue, or the beginning of an id.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DAY", help="First local day, such as 2023-01-01.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DAY", help="Last local day.")] = None,
    issue: Annotated[str | None, typer.Option(help="Label of an issue.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 20,
) -> None:
    """List incidents in the order of time."""
    found = list(session.client.data(search=text, start=start, end=end, issue=issue, limit=limit))
    names = [name for name in _COLUMNS if found and name in found[0]]
    rows: list[list[Any]] = [[one.get(name) for name in names] for one in found]
    columns = [name.upper() for name in names]
    session.show({"incidents": found}, lambda: output.table(columns, rows, "There are no such incidents."))


def get(session: Session, id: Annotated[str, typer.Argument(metavar="ID", help="Report id of the incident.")]) -> None:
    """Show one incident."""
    found = session.client.incident(id)
    session.show(found, lambda: output.table(("FIELD", ""), found.items()))


def versions(session: Session) -> None:
    """List the versions of the data."""
    found = session.client.versions()
    rows = [
        (
            one["id"],
            "current" if one.get("current") else "",
            one.get("rows"),
            one.get("source") or "-",
            f"{output.age(one.get('created'))} ago",
        )
        for one in found
    ]
    columns = ("VERSION", "", "ROWS", "SOURCE", "LOADED")
    session.show({"versions": found}, lambda: output.table(columns, rows))
