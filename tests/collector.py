"""A collector of OpenTelemetry in a test: takes spans over OTLP/HTTP and keeps them."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.listening import in_thread


@dataclass(frozen=True)
class Kept:
    """One span; ids in hex, "" without a parent."""

    service: str
    name: str
    kind: int  # 2: server, 5: consumer
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    failed: bool
    message: str


@dataclass
class Collector:
    """What came to `url`, and the headers of each request."""

    url: str
    spans: list[Kept] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    hangs: threading.Event = field(default_factory=threading.Event)
    "Once it is set, requests are read and not answered."

    def named(self, name: str, **attributes: Any) -> list[Kept]:
        wanted = {each.replace("__", "."): value for each, value in attributes.items()}
        return [span for span in list(self.spans) if span.name == name and wanted.items() <= span.attributes.items()]


@contextmanager
def collector() -> Iterator[Collector]:
    """A collector on loopback."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if made.hangs.is_set():
                over.wait()
                return
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            made.headers.append(dict(self.headers))
            made.spans += _kept(ExportTraceServiceRequest.FromString(body))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Collector(f"http://127.0.0.1:{server.server_port}")
    with in_thread(server):
        try:
            yield made
        finally:
            over.set()


def _kept(request: Any) -> Iterator[Kept]:
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                attributes = _values(span.attributes)
                yield Kept(service, span.name, span.kind, *ids, attributes, span.status.code == 2, span.status.message)


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
