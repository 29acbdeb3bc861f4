"""Request ids and logs: one JSON line per request, and the same form for what gunicorn and the library say.

A request's id comes from its X-Request-ID or is made here; it is in the answer, in problems, and in the log, with
the name of the token. Bodies, query strings and headers are never logged.
"""

import logging
import re
import secrets
import time
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, request

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
_PROBES = frozenset({"/healthz", "/readyz"})
_access = structlog.wrap_logger(
    logging.getLogger("trafficjobs.access"),
    wrapper_class=structlog.stdlib.BoundLogger,
    processors=[structlog.stdlib.filter_by_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
)


def install(app: Flask) -> None:
    """Give every request of `app` an id and a line in the log."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.match(given) else secrets.token_hex(8)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    caller = g.get("caller")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    # Probes come every few seconds for ever; a line is worth what they find amiss.
    say = _access.debug if request.path in _PROBES and response.status_code == 200 else _access.info
    say(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        ms=round((time.perf_counter() - g.began) * 1000, 2),
        request_id=g.request_id,
        **({"by": caller.name} if caller is not None else {}),
    )
    return response


def logging_config(level: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`: everything as JSON lines on stderr."""
    stamps = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [structlog.stdlib.ExtraAdder(allow=["request_id"])],
        "processors": [
            *stamps,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": level.upper(), "handlers": ["console"]},
        "loggers": {"gunicorn.error": {"level": level.upper(), "handlers": [], "propagate": True}},
    }


def _dumps(value: Any, default: Any = None, **_: Any) -> str:
    return orjson.dumps(value, default=default or str).decode()
