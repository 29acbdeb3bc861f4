"""Errors as RFC 9457 problem details: the one place where an exception becomes a status.

Each kind of error has one type URI, title and status for good; clients may rely on them. What nobody foresaw is a 500
that says nothing but the request's id, under which the log has the traceback.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

import redis
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from lib.errors import (
    Conflict,
    InvalidInput,
    InvalidParameters,
    NoData,
    QueueFull,
    StoreFull,
    StoreUnavailable,
    TooLarge,
    UnknownJob,
    UnknownOperation,
    UnknownQueue,
)
from services.api.replies import json_reply

MOST_ERRORS = 50  # fields that one answer names
_LONGEST_NAME, _LONGEST_DETAIL = 100, 2_000  # characters of what a client sent that are sent back
_DISCARDED = 32 * 2**20  # bytes of a refused body that are read and thrown away

logger = logging.getLogger("trafficjobs.api")


@dataclass(frozen=True)
class Kind:
    """A type of problem. Its URI is `/problems/<slug>`."""

    slug: str
    status: int
    title: str


INVALID_JSON = Kind("invalid-json", 400, "The body is not JSON")
INVALID_INPUT = Kind("invalid-input", 400, "The request has the wrong shape")
NOT_FOUND = Kind("not-found", 404, "There is nothing at this address")
NO_DATA = Kind("no-data", 404, "No data is loaded yet")
NOT_ACCEPTABLE = Kind("not-acceptable", 406, "Not available in the form asked for")
CANCELLED = Kind("job-cancelled", 409, "The job was cancelled and has no result")
TOO_LARGE = Kind("too-large", 413, "The body is too large")
OPERATION_FAILED = Kind("operation-failed", 500, "The operation failed")
INTERNAL = Kind("internal-error", 500, "Something went wrong in the service")
_STORE_FULL = Kind("store-full", 503, "Redis is full")
_STORE_UNAVAILABLE = Kind("store-unavailable", 503, "Redis is not available")

_KINDS: dict[type[Exception], Kind] = {
    InvalidInput: INVALID_INPUT,
    InvalidParameters: Kind("invalid-parameters", 422, "The parameters do not fit the operation"),
    UnknownOperation: Kind("unknown-operation", 422, "There is no such operation"),
    UnknownQueue: Kind("unknown-queue", 422, "There is no such queue"),
    TooLarge: TOO_LARGE,
    NoData: NO_DATA,
    UnknownJob: Kind("unknown-job", 404, "There is no such job"),
    Conflict: Kind("conflict", 409, "The request contradicts what is stored"),
    QueueFull: Kind("queue-full", 429, "The queue is full"),
    StoreFull: _STORE_FULL,
    StoreUnavailable: _STORE_UNAVAILABLE,
}


class Problem(Exception):
    """A problem that a route has found itself.

    Args:
        kind: what sort of problem.
        detail: what is wrong here and what to do about it.
        field: name of the offending field, if it is one.
    """

    def __init__(self, kind: Kind, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.kind = kind
        self.field = field


class InvalidBody(InvalidInput):
    """Several fields of a request have the wrong shape; `problems` lists them as (field, message)."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__(*problems[0])
        self.problems = problems


@dataclass(frozen=True)
class _Description:
    kind: Kind
    detail: str
    problems: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


def install(app: Flask) -> None:
    """Make every error of `app` a problem."""
    app.register_error_handler(Exception, _handle)


def _handle(error: Exception) -> Response | HTTPException:
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
        return error  # a redirect
    description = _describe(error)
    kind = description.kind
    if kind.status >= 500 and kind not in (_STORE_FULL, _STORE_UNAVAILABLE, OPERATION_FAILED):
        logger.error("An unforeseen error", exc_info=error, extra={"request_id": g.get("request_id")})
    if kind.status == 413:
        _discard_body()
    body: dict[str, Any] = {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": description.detail[:_LONGEST_DETAIL],
    }
    if description.problems:
        errors = [
            {"field": name[:_LONGEST_NAME], "message": message[:_LONGEST_DETAIL]}
            for name, message in description.problems[:MOST_ERRORS]
        ]
        body |= {"field": errors[0]["field"], "errors": errors}
    body["request_id"] = g.get("request_id")
    return json_reply(body, kind.status, description.headers, mimetype="application/problem+json")


def _discard_body() -> None:
    """Read on a little: a client that still sends when the connection closes sees a broken pipe instead of the answer."""
    source, left = request.environ["wsgi.input"], _DISCARDED
    try:
        while left > 0 and (chunk := source.read(1 << 16)):
            left -= len(chunk)
    except (OSError, ValueError):
        pass  # the client has gone


def _describe(error: Exception) -> _Description:
    if isinstance(error, Problem):
        return _Description(error.kind, str(error), [(error.field, str(error))] if error.field else [])
    if isinstance(error, HTTPException):
        return _of_http(error)
    error = _of_redis(error)
    kind = next((_KINDS[cls] for cls in type(error).__mro__ if cls in _KINDS), INTERNAL)
    if kind is INTERNAL:
        return _Description(kind, "The request could not be answered; the log has more under its request_id.")
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, QueueFull | StoreFull | StoreUnavailable) else {}
    if isinstance(error, InvalidParameters | InvalidBody):
        return _Description(
            kind, "; ".join(f"{name}: {message}" for name, message in error.problems[:3]), error.problems, headers
        )
    problems = [(error.field, error.message)] if isinstance(error, InvalidInput) and error.field else []
    return _Description(kind, str(error), problems, headers)


def _of_http(error: HTTPException) -> _Description:
    code = error.code or 500
    slug = error.name.lower().replace(" ", "-")
    known = {404: NOT_FOUND, 406: NOT_ACCEPTABLE, 413: TOO_LARGE, 500: INTERNAL}
    kind = known.get(code) or Kind(slug, code, error.name)
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    details = {
        404: "There is no route at this path; GET / lists them.",
        413: f"The body is larger than {request.max_content_length} bytes.",
    }
    detail = details.get(code) or error.description or error.name
    return _Description(kind, detail, headers=headers)


def _of_redis(error: Exception) -> Exception:
    """What the library did not translate, because it came from a plain command."""
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return StoreFull("Redis is at its memory limit; wait until jobs end or expire, or give it more memory.")
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return StoreUnavailable("Redis does not answer.")
    return error
