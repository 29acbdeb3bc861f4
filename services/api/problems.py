"""Errors as RFC 9457 problem details: the one place where an exception becomes a status.

Each kind of error has one type URI, title and status for good; clients may rely on them. What nobody foresaw is a 500
that says nothing but the request's id, under which the log has the traceback.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import redis
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from lib.backup.form import BrokenBackup
from lib.errors import (
    Conflict,
    ExpiredJob,
    InvalidInput,
    InvalidParameters,
    NoData,
    QueueDraining,
    QueueFull,
    QuotaExceeded,
    StoreFull,
    StoreUnavailable,
    TooLarge,
    UnknownBatch,
    UnknownDelivery,
    UnknownJob,
    UnknownOperation,
    UnknownParent,
    UnknownQueue,
    UnknownSchedule,
    UnknownWorker,
    UnreadableFile,
)
from services.api import kinds
from services.api.kinds import Kind
from services.api.replies import json_reply

MOST_ERRORS = 50  # fields that one answer names
_LONGEST_NAME, _LONGEST_DETAIL = 100, 2_000  # characters of what a client sent that are sent back

logger = logging.getLogger("trafficjobs.api")


_KINDS: dict[type[Exception], Kind] = {
    InvalidInput: kinds.INVALID_INPUT,
    InvalidParameters: kinds.INVALID_PARAMETERS,
    UnreadableFile: kinds.UNREADABLE_FILE,
    BrokenBackup: kinds.UNREADABLE_BACKUP,
    UnknownOperation: kinds.UNKNOWN_OPERATION,
    UnknownQueue: kinds.UNKNOWN_QUEUE,
    UnknownParent: kinds.UNKNOWN_PARENT,
    TooLarge: kinds.TOO_LARGE,
    NoData: kinds.NO_DATA,
    UnknownJob: kinds.UNKNOWN_JOB,
    ExpiredJob: kinds.EXPIRED,
    UnknownSchedule: kinds.UNKNOWN_SCHEDULE,
    UnknownDelivery: kinds.NOT_FOUND,
    UnknownWorker: kinds.UNKNOWN_WORKER,
    UnknownBatch: kinds.UNKNOWN_BATCH,
    Conflict: kinds.CONFLICT,
    QueueDraining: kinds.QUEUE_DRAINING,
    QueueFull: kinds.QUEUE_FULL,
    QuotaExceeded: kinds.QUOTA_EXCEEDED,
    StoreFull: kinds.STORE_FULL,
    StoreUnavailable: kinds.STORE_UNAVAILABLE,
}
_OF_HTTP = {
    400: kinds.BAD_REQUEST,
    404: kinds.NOT_FOUND,
    405: kinds.METHOD_NOT_ALLOWED,
    406: kinds.NOT_ACCEPTABLE,
    413: kinds.TOO_LARGE,
    500: kinds.INTERNAL,
}
_FORESEEN = (kinds.STORE_FULL, kinds.STORE_UNAVAILABLE, kinds.TOO_MANY_STREAMS, kinds.TOO_MANY_PICTURES, kinds.OPERATION_FAILED)


class Problem(Exception):
    """A problem that a route has found itself.

    Args:
        kind: what sort of problem.
        detail: what is wrong here and what to do about it.
        field: name of the offending field, if it is one.
        headers: of the answer.
    """

    def __init__(self, kind: Kind, detail: str, field: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.field = field
        self.headers = dict(headers or {})


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
    body, headers = details(error)
    return json_reply(body, body["status"], headers, mimetype="application/problem+json")


def details(error: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    """Problem details of an error and the headers of their answer; what nobody foresaw is logged."""
    description = _describe(error)
    kind = description.kind
    if kind.status >= 500 and kind not in _FORESEEN:
        logger.error("An unforeseen error", exc_info=error, extra={"request_id": g.get("request_id")})
    body: dict[str, Any] = {
        "type": kind.uri,
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
    return body, description.headers


def told(error: Exception) -> dict[str, Any]:
    """What an answer about many things says of one that went wrong."""
    description = _describe(error)
    kind = description.kind
    return {"type": kind.uri, "title": kind.title, "status": kind.status, "detail": description.detail[:_LONGEST_DETAIL]}


def _describe(error: Exception) -> _Description:
    if isinstance(error, Problem):
        return _Description(error.kind, str(error), [(error.field, str(error))] if error.field else [], error.headers)
    if isinstance(error, HTTPException):
        return _of_http(error)
    error = _of_redis(error)
    kind = next((_KINDS[cls] for cls in type(error).__mro__ if cls in _KINDS), kinds.INTERNAL)
    if kind is kinds.INTERNAL:
        return _Description(kind, "The request could not be answered; the log has more under its request_id.")
    headers = (
        {"Retry-After": str(error.retry_after)}
        if isinstance(error, QueueFull | QuotaExceeded | StoreFull | StoreUnavailable)
        else {}
    )
    if isinstance(error, InvalidParameters | InvalidBody):
        return _Description(
            kind, "; ".join(f"{name}: {message}" for name, message in error.problems[:3]), error.problems, headers
        )
    problems = [(error.field, error.message)] if isinstance(error, InvalidInput) and error.field else []
    return _Description(kind, str(error), problems, headers)


def _of_http(error: HTTPException) -> _Description:
    code = error.code or 500
    kind = _OF_HTTP.get(code) or Kind("", code, error.name)  # as RFC 9457 has it: a status that says all there is to say
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
        return StoreFull()
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return StoreUnavailable("Redis does not answer.")
    if isinstance(error, redis.ResponseError) and "WRONGTYPE" in str(error):
        return StoreUnavailable("A key in Redis holds something of another program; upkeep lays it aside within its interval.")
    return error
