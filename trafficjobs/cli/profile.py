"""`profile`: remember addresses and tokens of services, in one file of mode 600.

Nothing is asked of a service. Tokens are stored here alone, and never shown.
"""

import sys
from typing import Annotated

import typer

from trafficjobs import profiles
from trafficjobs.cli import output
from trafficjobs.cli.session import Session, command
from trafficjobs.errors import Invalid, NotFound
from trafficjobs.transport import Transport

Name = Annotated[str, typer.Argument(metavar="NAME")]
_TOKEN_HELP = "- asks for it, or reads it from a pipe; '' forgets it. As it stands others may see it in the list of processes."


def add_to(app: typer.Typer) -> None:
    """Make `profile` a group of `app`."""
    group = typer.Typer(help="Remember addresses and tokens of services.")
    command(group, "set", local=True)(set_profile)
    command(group, "use", local=True)(use)
    command(group, "list", local=True)(list_profiles)
    command(group, "remove", local=True)(remove)
    app.add_typer(group, name="profile")


def set_profile(
    session: Session,
    name: Name,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Address of the service.")] = None,
    token: Annotated[str | None, typer.Option(metavar="TOKEN", help=_TOKEN_HELP)] = None,
) -> None:
    """Make or change a profile. The first one is used from then on."""
    given = _asked() if token == "-" else token

    def action(known: profiles.Profiles) -> None:
        one = known.known.get(name, {"url": None, "token": None})
        address = url or one["url"]
        if not address:
            raise Invalid(f"Profile {name} is new; give its address with --url.")
        if url and one["url"] and url.rstrip("/") != str(one["url"]).rstrip("/") and given is None:
            one = {**one, "token": None}  # it was for the old address
        kept = one["token"] if given is None else given or None
        Transport(address, kept, 1, 0).driver.close()  # raises where one of them cannot be right
        known.known[name] = {"url": address, "token": kept}
        known.current = known.current or name

    changed = profiles.change(profiles.config_file(), action)
    _show(session, changed)


def _asked() -> str:
    given = typer.prompt("Token", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    if not str(given).strip():
        raise Invalid("No token was given.")
    return str(given).strip()


def use(session: Session, name: Name) -> None:
    """Use a profile from now on."""

    def action(known: profiles.Profiles) -> None:
        _require(known, name)
        known.current = name

    _show(session, profiles.change(profiles.config_file(), action))


def list_profiles(session: Session) -> None:
    """List the profiles; tokens are not shown."""
    _show(session, profiles.read(profiles.config_file()))


def remove(session: Session, name: Name) -> None:
    """Forget a profile and its token."""

    def action(known: profiles.Profiles) -> None:
        _require(known, name)
        del known.known[name]
        known.current = None if known.current == name else known.current

    _show(session, profiles.change(profiles.config_file(), action))


def _require(known: profiles.Profiles, name: str) -> None:
    if name not in known.known:
        raise NotFound(f"There is no profile {name!r}; `trafficjobs profile list` shows those there are.")


def _show(session: Session, found: profiles.Profiles) -> None:
    entries = [
        {"name": name, "url": one["url"], "token": one["token"] is not None, "current": name == found.current}
        for name, one in sorted(found.known.items())
    ]
    rows = [("*" if one["current"] else "", one["name"], one["url"], "yes" if one["token"] else "no") for one in entries]
    columns = ("", "PROFILE", "URL", "TOKEN")
    empty = "There are no profiles; make one with: trafficjobs profile set NAME --url URL"
    session.show({"profiles": entries}, lambda: output.table(columns, rows, empty))
