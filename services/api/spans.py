"""A span of OpenTelemetry for each request, where tracing is on: `lib.tracing`. Jobs that a request submits belong to its span.

Probes and scrapes have none. Query strings and headers are in no attribute.
"""

from flask import Flask, Response, g, request

from lib import tracing

_NOT_TRACED = frozenset({"/healthz", "/readyz", "/metrics"})


def install(app: Flask) -> None:
    """Look at every request of `app`, after it was given its id."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.span = None
    if request.path in _NOT_TRACED or not tracing.on():
        return
    route = request.url_rule.rule if request.url_rule is not None else ""
    about = {
        "http.request.method": request.method,
        "url.path": request.path,
        "url.scheme": request.scheme,
        "trafficjobs.request_id": g.request_id,
    }
    about |= {"http.route": route} if route else {}
    g.span = tracing.start(f"{request.method} {route}".rstrip(), "server", g.traceparent, about)
    g.traceparent = g.span.traceparent


def _end(response: Response) -> Response:
    span: tracing.Span | None = g.get("span")
    if span is not None:
        span.set({"http.response.status_code": response.status_code})
        if response.status_code >= 500:
            span.fail(str(response.status_code))
        span.end()
    return response
