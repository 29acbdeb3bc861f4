"""Commands on jobs that failed: the groups of those that failed alike, and running one, many or all again."""

from collections.abc import Sequence
from typing import Annotated

import typer

from trafficjobs.cli import output
from trafficjobs.cli.jobs import each
from trafficjobs.cli.session import Session, command
from trafficjobs.errors import Invalid

_COLUMNS = ("FINGERPRINT", "JOBS", "OPERATION", "TYPE", "LAST", "MESSAGE")


def add_to(app: typer.Typer) -> None:
    """Make them commands of `app`."""
    for function in (failures, retry):
        command(app)(function)


def failures(session: Session) -> None:
    """List failed jobs by what they failed of, what was seen last first."""
    found = list(session.client.failures())
    rows: list[Sequence[object]] = [
        (one["fingerprint"], one["count"], one["operation"], one["type"], f"{output.age(one['last'])} ago", one["message"])
        for one in found
    ]
    session.show({"failures": found}, lambda: output.table(_COLUMNS, rows, "Nothing has failed."))


def retry(
    session: Session,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="Ids of the jobs.")] = None,
    like: Annotated[str | None, typer.Option(metavar="FINGERPRINT", help="All that failed alike; `failures` lists them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All failed jobs.")] = False,
    operation: Annotated[str | None, typer.Option(help="With --all or --like: only jobs of this operation.")] = None,
    queue: Annotated[str | None, typer.Option(help="With --all or --like: only jobs of this queue.")] = None,
) -> None:
    """Run failed or cancelled jobs again: some, all, or all that failed alike."""
    if bool(ids) + bool(like) + every != 1:
        raise Invalid("Name ids of jobs, or --like FINGERPRINT, or --all.")
    if ids:
        if operation or queue:
            raise Invalid("--operation and --queue choose among --all or --like; ids are chosen already.")
        each(session, ids, lambda job: job.retry())
        return
    retried = session.client.retry_failed(like, operation=operation, queue=queue)
    session.show({"retried": retried}, lambda: output.say(f"{retried} jobs run again"))
