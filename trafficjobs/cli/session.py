"""What every command shares: the options for reaching the service, `--json`, and the client that they make.

`command` adds these options to a function and hands it a `Session` as its first argument; the client is made when it is
first asked for.
"""

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any

import typer

from trafficjobs.cli import output
from trafficjobs.client import Client

PATIENCE = 3.0  # seconds
_SERVICE = "The service"

_URL = Annotated[str | None, typer.Option("--url", metavar="URL", help="Address of the service.", rich_help_panel=_SERVICE)]
_PROFILE = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="Profile to take it from.", rich_help_panel=_SERVICE)
]
_PATIENCE = Annotated[
    float,
    typer.Option(
        "--patience",
        metavar="SECONDS",
        min=0,
        help="How long to try again while the service is away or the queue is full.",
        rich_help_panel=_SERVICE,
    ),
]
_JSON = Annotated[bool, typer.Option("--json", help="Answer as JSON, errors too.", rich_help_panel="Output")]


class Session:
    """One call of one command.

    Args:
        url, profile: where the service is; see `Client`.
        patience: seconds during which requests are sent again.
        as_json: whether to print for programs.
    """

    def __init__(self, url: str | None = None, profile: str | None = None, patience: float = PATIENCE, as_json: bool = False):
        self.url = url
        self.profile = profile
        self.patience = patience
        self.as_json = as_json

    @cached_property
    def client(self) -> Client:
        return Client(self.url, profile=self.profile, patience=self.patience)

    def close(self) -> None:
        """Close the client, if there is one."""
        if "client" in self.__dict__:
            self.client.close()

    def show(self, value: Any, text: Callable[[], None]) -> None:
        """Print a value as JSON where that was asked for, else as `text` does."""
        if self.as_json:
            output.document(value)
        else:
            text()


def _shared(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_OPTIONS = [
    _shared("url", _URL, None),
    _shared("profile", _PROFILE, None),
    _shared("patience", _PATIENCE, PATIENCE),
    _shared("as_json", _JSON, False),
]


Command = Callable[..., None]


def command(app: typer.Typer, name: str | None = None, local: bool = False) -> Callable[[Command], Command]:
    """Make a function a command of `app`; it gets a Session first, and then its own arguments.

    Args:
        name: where it is not the function's own.
        local: it asks no service, and takes `--json` alone.
    """
    added = [option for option in _OPTIONS if not local or option.name == "as_json"]

    def register(function: Command) -> Command:
        def run(**given: Any) -> None:
            session = Session(**{option.name: given.pop(option.name) for option in added})
            try:
                function(session, **given)
            finally:
                session.close()

        signature = inspect.signature(function, eval_str=True)
        own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in list(signature.parameters.values())[1:]]
        run.__doc__, run.__name__ = function.__doc__, function.__name__
        run.__signature__ = inspect.Signature([*own, *added], return_annotation=None)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in [*own, *added]}
        app.command(name)(run)
        return function

    return register
