"""Spans of OpenTelemetry, where its own environment variables switch them on; without them it is never imported.

OTEL_EXPORTER_OTLP_ENDPOINT (HTTP) or OTEL_TRACES_EXPORTER switch on, OTEL_SDK_DISABLED off; the SDK reads all others itself.
Spans are sent by a thread from a bounded queue: a collector that is away or hangs costs spans, and no job and no request.
"""

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

from lib import hidden

logger = logging.getLogger("trafficjobs.tracing")
Attributes = Mapping[str, str | int | float | bool]
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_LAST_WORDS = 1.0  # seconds in which what is left may be sent at the end of a process
_LONGEST = 500  # characters of what is said of a failure
_provider: "TracerProvider | None" = None
_tracer: "Tracer | None" = None


def wanted(environment: Mapping[str, str] = os.environ) -> Literal["otlp", "console", ""]:
    """Where spans shall go; "" where tracing is off."""
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ""
    if exporter in ("otlp", "console"):
        return "otlp" if exporter == "otlp" else "console"
    return "otlp" if not exporter and any(environment.get(name) for name in _ENDPOINTS) else ""


def load() -> None:
    """Import what is needed, if anything: before a fork, so that each child need not."""
    if wanted():
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace.export  # noqa: F401


def begin(program: str) -> None:
    """Let this process send spans, where that is wanted. After its last fork, since a thread sends them."""
    global _provider, _tracer
    where = wanted()
    if not where:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    protocol = next((value for name in _PROTOCOLS if (value := os.environ.get(name))), "http/protobuf")
    if where == "otlp" and protocol != "http/protobuf":
        logger.warning("spans are sent by http/protobuf, and not by %s; the endpoint must take that (port 4318)", protocol)
    own = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": f"trafficjobs-{program}"}
    _provider = TracerProvider(resource=Resource.create(own), shutdown_on_exit=False)
    with hidden.shown(hidden.OTEL):
        exporter = OTLPSpanExporter() if where == "otlp" else ConsoleSpanExporter()
    _provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = _provider.get_tracer("trafficjobs")


def end(seconds: float = _LAST_WORDS) -> None:
    """Send what is left, for at most so long; what is not sent by then is lost."""
    global _provider, _tracer
    if _provider is None:
        return
    last = threading.Thread(target=_provider.shutdown, name="last-spans", daemon=True)
    _provider = _tracer = None
    last.start()
    last.join(seconds)


def on() -> bool:
    """Whether this process sends spans."""
    return _tracer is not None


class Span:
    """Something that takes its time. Where tracing is off, it is nothing.

    Args:
        made: of OpenTelemetry, or None.
    """

    def __init__(self, made: Any = None) -> None:
        self._made = made

    @property
    def traceparent(self) -> str | None:
        """What leads to it; None where tracing is off."""
        if self._made is None:
            return None
        context = self._made.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def set(self, attributes: Attributes) -> None:
        """Set attributes."""
        if self._made is not None:
            self._made.set_attributes(attributes)

    def fail(self, kind: str, message: str = "") -> None:
        """It went wrong."""
        if self._made is not None:
            from opentelemetry.trace import Status, StatusCode

            self._made.set_status(Status(StatusCode.ERROR, message[:_LONGEST]))
            self._made.set_attribute("error.type", kind)

    def end(self) -> None:
        """It is over."""
        if self._made is not None:
            self._made.end()


def start(name: str, kind: Literal["server", "consumer"], parent: str | None, attributes: Attributes) -> Span:
    """A span that has begun and whose end the caller tells.

    Args:
        parent: checked traceparent; None begins a trace.
    """
    if _tracer is None:
        return Span()
    from opentelemetry import trace
    from opentelemetry.context import Context

    context = Context()
    if parent is not None:
        _, trace_id, span_id, flags = parent.split("-")
        remote = trace.SpanContext(int(trace_id, 16), int(span_id, 16), True, trace.TraceFlags(int(flags, 16)))
        context = trace.set_span_in_context(trace.NonRecordingSpan(remote), context)
    kinds = {"server": trace.SpanKind.SERVER, "consumer": trace.SpanKind.CONSUMER}
    return Span(_tracer.start_span(name, context, kinds[kind], attributes))


@contextmanager
def span(name: str, kind: Literal["server", "consumer"], parent: str | None, attributes: Attributes) -> Iterator[Span]:
    """A span for the time of a block. Arguments as of `start`."""
    made = start(name, kind, parent, attributes)
    try:
        yield made
    finally:
        made.end()
