"""From an exception to one sentence on standard error and an exit code that scripts may rely on.

Called once, by `app.run`. No traceback is ever shown, unless TRAFFICJOBS_DEBUG is set.
"""

import json
import os
import sys
import traceback
from typing import Any

import typer

from trafficjobs import errors
from trafficjobs.cli.output import clean

OK, JOB_FAILED, USAGE, NOT_FOUND, REFUSED, AWAY, TIMEOUT = range(7)
UNFORESEEN, INTERRUPTED = 70, 130

EXIT_CODES = """Exit codes: 0 done; 1 a job failed or was cancelled, or doctor found something; 2 the command or the job is not
right; 3 there is no such thing; 4 refused: no or wrong token, role too low, queue full, conflict; 5 the service is away
or cannot serve; 6 not in time; 130 interrupted."""

_CODES: list[tuple[type[BaseException], int]] = [
    (errors.JobFailed, JOB_FAILED),
    (errors.JobCancelled, JOB_FAILED),
    (errors.BatchFailed, JOB_FAILED),
    (errors.ResultTimeout, TIMEOUT),
    (errors.Invalid, USAGE),
    (errors.NotFound, NOT_FOUND),
    (errors.Unauthorized, REFUSED),
    (errors.Forbidden, REFUSED),
    (errors.Conflict, REFUSED),
    (errors.QueueFull, REFUSED),
    (errors.TrafficjobsError, AWAY),
    (typer.TyperException, USAGE),
    (typer.Abort, INTERRUPTED),
    (KeyboardInterrupt, INTERRUPTED),
    (OSError, USAGE),
]
_REMEDIES: list[tuple[type[BaseException], str]] = [
    (errors.ResultTimeout, "Go on waiting with: trafficjobs result {id} --wait"),
    (errors.JobFailed, "Look at: trafficjobs status {id}"),
    (errors.Unauthorized, "Give a token: trafficjobs profile set NAME --url URL --token -, or TRAFFICJOBS_TOKEN."),
    (errors.Forbidden, "Take a token of a higher role: trafficjobs token new NAME --role submit (or admin)."),
    (errors.QueueFull, "Look at: trafficjobs queues; or wait with --patience 60."),
    (errors.Unavailable, "See what is wrong with: trafficjobs doctor; or start one here with: trafficjobs up"),
]

_BY_KIND = {
    "unknown-job": "See: trafficjobs list",
    "unknown-batch": "See: trafficjobs batch list",
    "unknown-operation": "See: trafficjobs operations",
    "invalid-parameters": "See: trafficjobs operations NAME",
    "unknown-queue": "See: trafficjobs queues",
    "unknown-worker": "See: trafficjobs workers",
    "no-data": "Load a file with: trafficjobs load FILE",
}


def error_kind(error: BaseException) -> str:
    """The last part of a problem's type; "" for what is none."""
    problem = error.problem if isinstance(error, errors.TrafficjobsError) else {}
    return str(problem.get("type", "")).rpartition("/")[2]


def exit_code(error: BaseException) -> int:
    """The exit code for an exception."""
    return next((code for cls, code in _CODES if isinstance(error, cls)), UNFORESEEN)


def tell(error: BaseException, as_json: bool) -> int:
    """Write what went wrong to standard error; the exit code."""
    code = exit_code(error)
    if code == INTERRUPTED:
        return code
    if os.environ.get("TRAFFICJOBS_DEBUG"):
        traceback.print_exception(error)
    message, remedy = _message(error, code), _remedy(error)
    if as_json:
        told: dict[str, Any] = {"kind": type(error).__name__, "message": message, "exit_code": code}
        if isinstance(error, errors.TrafficjobsError):
            told |= {"status": error.status, "field": error.field, "problem": error.problem or None}
        text = json.dumps({"error": told}, ensure_ascii=True)
    else:
        ends = message.endswith((".", "?", "!", ")"))
        text = clean(f"trafficjobs: {message}{'' if ends else '.'} {remedy}".rstrip())
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        pass  # nobody reads
    return code


def _message(error: BaseException, code: int) -> str:
    if code == UNFORESEEN:
        return f"Something unforeseen happened: {type(error).__name__}: {error}. TRAFFICJOBS_DEBUG=1 shows where."
    if isinstance(error, typer.TyperException):
        return error.format_message().rstrip(".") + "."
    if isinstance(error, OSError) and not isinstance(error, errors.TrafficjobsError):
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror or error}."
    return str(error)


def _remedy(error: BaseException) -> str:
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        return f"See: {context.command_path if context is not None else 'trafficjobs'} --help"
    told = next((remedy for cls, remedy in _REMEDIES if isinstance(error, cls)), "")
    told = _BY_KIND.get(error_kind(error), told)
    return told.format(id=getattr(error, "record", {}).get("id", "ID"))
