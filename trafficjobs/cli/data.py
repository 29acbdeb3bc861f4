"""`load` (in `trafficjobs.cli.loading`) and `data`: search the incidents, show one, list versions, go back to one."""

from typing import Annotated, Any

import typer

from trafficjobs.cli import output
from trafficjobs.cli.loading import load
from trafficjobs.cli.session import Session, command

_COLUMNS = ("report_id", "published", "issue", "address", "status")  # what fits on a screen; --json has all


def add_to(app: typer.Typer) -> None:
    """Make `load` a command of `app`, and `data` a group of it."""
    command(app)(load)
    group = typer.Typer(help="Search the incidents; list the versions of the data, go back to one, remove one.")
    command(group)(search)
    command(group)(get)
    command(group)(versions)
    command(group)(activate)
    command(group)(remove)
    app.add_typer(group, name="data")


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


Version = Annotated[str, typer.Argument(metavar="VERSION", help="As `trafficjobs data versions` lists them.")]


def activate(session: Session, version: Version) -> None:
    """Make a version that is kept the current one."""
    found = session.client.activate(version)
    session.show(found, lambda: output.say(f"{found['id']} is current: {found['rows']:,} incidents"))


def remove(session: Session, version: Version) -> None:
    """Remove a version that is not the current one."""
    session.client.remove_version(version)
    session.show({"removed": version}, lambda: output.say(f"{version} is removed"))
