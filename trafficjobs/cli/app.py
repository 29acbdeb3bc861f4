"""The program: all commands under one name, and the one place where an exception becomes a sentence and an exit code."""

import os
import sys
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

import typer
import typer.main

from trafficjobs import __version__
from trafficjobs.cli import (
    adopt,
    backup,
    batches,
    data,
    deliveries,
    doctor,
    events,
    failed,
    failures,
    jobs,
    local,
    profile,
    schedules,
    service,
    submit,
    tokens,
    top,
    workers,
)

app = typer.Typer(
    help="Submit jobs of traffic analysis to a service, and see what becomes of them.",
    epilog=" ".join(failures.EXIT_CODES.split()),
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def root(context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        typer.echo(f"trafficjobs {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


for module in (
    local,
    data,
    submit,
    jobs,
    batches,
    deliveries,
    failed,
    schedules,
    service,
    workers,
    adopt,
    backup,
    doctor,
    top,
    events,
    tokens,
    profile,
):
    module.add_to(app)


@cache
def _built() -> Any:
    return typer.main.get_command(app)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code. Raises nothing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed before we began
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for the life of the program
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a character that the locale lacks must not end anything
            stream.reconfigure(errors="replace")
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:  # some CI systems have typer colour its help regardless
        os.environ["_TYPER_FORCE_DISABLE_TERMINAL"] = "1"
    as_json = "--json" in arguments
    try:
        code = _built().main(list(arguments), prog_name="trafficjobs", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else failures.OK
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # click makes a code of its own of that
            return _unread()
        return error.code if isinstance(error.code, int) else failures.USAGE
    except BrokenPipeError:
        return _unread()
    except BaseException as error:
        return failures.tell(error, as_json)


def _unread() -> int:
    """Nobody reads what we say, which is no failure; the last flush must not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return failures.OK
