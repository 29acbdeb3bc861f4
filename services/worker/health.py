"""`/healthz` and `/metrics` of the worker's own process, on WORKER_PORT. What must outlive it is counted in Redis instead."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from lib.metrics.gauges import build_info
from services.worker.links import Links
from services.worker.supervisor import Supervisor

_CAUSES = ("oom", "signal", "exit", "unknown")
_PATIENCE = 10.0  # seconds for which a client may be silent
_MOST_CLIENTS = 16  # at once; each takes a thread, and a file descriptor that is needed for the children


class Processes(Collector):
    """What the worker knows of its processes; a collector for a registry of prometheus_client."""

    def __init__(self, supervisor: Supervisor, links: Links) -> None:
        self.supervisor, self.links = supervisor, links

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client."""
        supervisor = self.supervisor
        for name, text, value in (
            ("children", "Child processes.", len(supervisor.children)),
            ("running_jobs", "Jobs that run now.", len(supervisor.running())),
            ("beat_age_seconds", "Since leases were last renewed.", time.monotonic() - self.links.last_beat),
        ):
            yield GaugeMetricFamily(f"trafficjobs_worker_{name}", text, value=value)
        deaths = CounterMetricFamily("trafficjobs_worker_child_deaths", "Children that died unasked.", labels=("reason",))
        for cause in _CAUSES:
            deaths.add_metric((cause,), supervisor.deaths[cause])
        yield deaths
        restarts = "Times the nursery was started again."
        yield CounterMetricFamily("trafficjobs_worker_nursery_restarts", restarts, value=supervisor.restarts)
        memory = supervisor.memory_bytes()
        if memory is not None:
            text = "Memory of all processes of the worker, what they share counted once."
            yield GaugeMetricFamily("trafficjobs_worker_memory_bytes", text, value=memory)
        yield build_info()


class _BoundedServer(ThreadingHTTPServer):
    """Hangs up on whoever comes while it has as many clients as it may have."""

    _free = threading.BoundedSemaphore(_MOST_CLIENTS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # there is no room for a thread
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()


def serve_health(port: int, host: str, supervisor: Supervisor, links: Links) -> ThreadingHTTPServer:
    """Serve in a daemon thread. /healthz answers 503 while no job can be run."""
    registry = CollectorRegistry()
    registry.register(Processes(supervisor, links))
    ProcessCollector(registry=registry)

    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE

        def do_GET(self) -> None:
            if self.path == "/metrics":
                encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                self._answer(200, encode(registry), content_type)
            elif self.path == "/healthz":
                healthy = supervisor.healthy
                self._answer(200 if healthy else 503, b"ok\n" if healthy else b"not ready\n", "text/plain")
            else:
                self._answer(404, b"/healthz or /metrics\n", "text/plain")

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes are not worth a line."""

    server = _BoundedServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
