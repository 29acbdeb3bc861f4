"""`token`: make, list and revoke tokens in the service's file of hashes.

Nothing is asked of the service, which reads the file again when it changes. A token is printed once, when it is made.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from trafficjobs import token_files
from trafficjobs.cli import output
from trafficjobs.cli.session import Session, command

TokenFile = Annotated[Path, typer.Option("--file", metavar="FILE", help="The file that the service reads.")]
Name = Annotated[str, typer.Argument(metavar="NAME")]


def add_to(app: typer.Typer) -> None:
    """Make `token` a group of `app`."""
    group = typer.Typer(help="Make, list and revoke tokens in the file that the service reads.")
    command(group, "new", local=True)(new)
    command(group, "list", local=True)(list_tokens)
    command(group, "revoke", local=True)(revoke)
    app.add_typer(group, name="token")


def new(
    session: Session,
    name: Name,
    role: Annotated[str, typer.Option(metavar="|".join(token_files.ROLES), help="What it may do.")],
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="Add its line to this file.")] = None,
    pending: Annotated[int | None, typer.Option(metavar="N", min=1, help="Jobs of it that may not have ended.")] = None,
    per_minute: Annotated[int | None, typer.Option(metavar="N", min=1, help="Jobs that it may submit in a minute.")] = None,
) -> None:
    """Make a token and print it: the only time that it is shown."""
    token, entry = token_files.new(name, role, pending, per_minute)
    if file is not None:
        token_files.add(file, entry)

    def text() -> None:
        output.say(token)
        output.note(f"{'Added to ' + str(file) if file else 'The line for the file of tokens'}: {entry}")
        output.note("Keep the token; it is not shown again.")

    session.show({"name": name, "role": role, "token": token, "line": str(entry)}, text)


def list_tokens(session: Session, file: TokenFile) -> None:
    """List the tokens of a file."""
    found = token_files.entries(file)
    rows = [(one.name, one.role, one.pending, one.per_minute, f"{one.sha256[:12]}…") for one in found]
    value = {"tokens": [asdict(one) for one in found]}
    columns = ("TOKEN", "ROLE", "PENDING", "PER MINUTE", "SHA256")
    session.show(value, lambda: output.table(columns, rows, "There are no tokens in it."))


def revoke(session: Session, name: Name, file: TokenFile) -> None:
    """Remove a token from a file; the service refuses it from then on."""
    gone = token_files.remove(file, name)
    session.show({"revoked": gone.name}, lambda: output.say(f"{gone.name} is revoked"))
