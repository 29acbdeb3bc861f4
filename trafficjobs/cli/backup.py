"""`backup` and `restore`: all that a service holds to a file, and back."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Annotated

import typer

from trafficjobs.cli import output
from trafficjobs.cli.session import Session, command
from trafficjobs.uploads import Progress


def add_to(app: typer.Typer) -> None:
    """Make them commands of `app`."""
    command(app)(backup)
    command(app)(restore)


def backup(
    session: Session, file: Annotated[str, typer.Argument(metavar="FILE", help="Where to; - is standard output.")]
) -> None:
    """Write all that the service holds, as of one moment, to a file. Wants the role admin."""
    with _bar("backup") as progress:
        size = session.client.backup(sys.stdout.buffer if file == "-" else file, progress=progress)
    if file == "-":
        sys.stdout.buffer.flush()
        output.note(f"{size:,} bytes")
        return
    session.show({"file": file, "bytes": size}, lambda: output.say(f"{file}: {size:,} bytes"))


def restore(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="As `trafficjobs backup` made it; - is standard input.")],
    replace: Annotated[bool, typer.Option("--replace", help="Take away all that the service holds.")] = False,
) -> None:
    """Restore a backup into a service that is empty. What was running then runs again. Wants the role admin."""
    source: str | IO[bytes] = sys.stdin.buffer if file == "-" else file
    with _bar("restore") as progress:
        done = session.client.restore(source, replace=replace, progress=progress)
    said = f"restored {done['jobs']:,} jobs of {done['made']} in {output.seconds_text(done['seconds'])}"
    session.show(done, lambda: output.say(said))


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    with output.bar() as shown:
        task = shown.add_task(name, total=None, note="")

        def progress(come: int, total: int | None) -> None:
            shown.update(task, completed=come, total=total, note=f"{come / 2**20:,.1f} MiB")

        yield progress
