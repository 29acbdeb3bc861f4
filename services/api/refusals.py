"""What is refused before the application sees it, because it cannot be read as a request: problems like all others.

gunicorn finds these while it reads the head of a request, `services.api.threads` while it waits for one.
"""

import logging
import secrets
from http import HTTPStatus

import orjson
from gunicorn.http import errors  # type: ignore[import-untyped]

from services.api import kinds
from services.api.http_metrics import count_refusal
from services.api.kinds import Kind

_KINDS: dict[type[Exception], Kind] = {
    errors.LimitRequestLine: kinds.TOO_LONG_ADDRESS,
    errors.LimitRequestHeaders: kinds.TOO_LARGE_HEAD,
    errors.ExpectationFailed: Kind("", 417, "Expectation Failed"),
    errors.UnsupportedTransferCoding: Kind("", 501, "Not Implemented"),
    errors.ParseException: kinds.BAD_REQUEST,
}
_LONGEST = 500  # characters of what a client sent that are sent back

logger = logging.getLogger("trafficjobs.api")

# Of the application's making, or the configuration's: no fault of the client.
_OURS = (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)


def kind_of(error: Exception) -> Kind | None:
    """The kind of an error that gunicorn met while it read a request; None where it is none."""
    if isinstance(error, _OURS):
        return None
    return next((_KINDS[cls] for cls in type(error).__mro__ if cls in _KINDS), None)


def refusal(kind: Kind, detail: str) -> bytes:
    """A whole answer, after which the connection closes; the log has it under its request id."""
    request_id = secrets.token_hex(8)
    # Not the detail: it quotes what was sent.
    logger.warning("refused: %s", kind.title, extra={"request_id": request_id, "status": kind.status})
    return _answer(kind, detail, request_id)


def refusal_of_many(kind: Kind, detail: str, retry_after: int) -> bytes:
    """The same for one of very many, each of whom may come again: whoever refuses them says in the log how many there are."""
    return _answer(kind, detail, secrets.token_hex(8), f"Retry-After: {retry_after}")


def _answer(kind: Kind, detail: str, request_id: str, *headers: str) -> bytes:
    count_refusal(kind.status)
    made = {"type": kind.uri, "title": kind.title, "status": kind.status, "detail": detail[:_LONGEST], "request_id": request_id}
    body = orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE)
    lines = [
        f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        f"X-Request-ID: {request_id}",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
