"""Request ids and the access log: one line for each request.

A request's id comes from its X-Request-ID or is made here; it is in the answer, in problems, in the records of jobs that it
submits, and in the log, with the name of the token. Bodies, query strings and headers are never logged.
"""

import logging
import re
import secrets
import time
from typing import Any

from flask import Flask, Response, g, request

from lib.origin import Origin, checked, trace_id

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
_PROBES = frozenset({"/healthz", "/readyz"})
_access = logging.getLogger("trafficjobs.access")


def install(app: Flask) -> None:
    """Give every request of `app` an id and a line in the log."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.match(given) else secrets.token_hex(8)
    g.traceparent = checked(request.headers.get("traceparent"))


def origin() -> Origin:
    """This request, for what it submits."""
    return Origin(g.request_id, g.traceparent)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    caller = g.get("caller")
    # Probes come every few seconds for ever; a line is worth what they find amiss.
    level = logging.DEBUG if request.path in _PROBES and response.status_code == 200 else logging.INFO
    said: dict[str, Any] = {
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "ms": round((time.perf_counter() - g.began) * 1000, 2),
        "request_id": g.request_id,
        "trace_id": trace_id(g.traceparent),
        "job": g.get("job"),
        "by": caller.name if caller is not None else None,
    }
    _access.log(level, "request", extra={name: value for name, value in said.items() if value is not None})
    return response
