"""`/healthz` and `/metrics` of the worker's own process, on WORKER_PORT. What must outlive it is counted in Redis instead."""

import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.worker.links import Links
from services.worker.supervisor import Supervisor


class _Processes(Collector):
    def __init__(self, supervisor: Supervisor, links: Links) -> None:
        self.supervisor, self.links = supervisor, links

    def collect(self) -> Iterable[Metric]:
        supervisor = self.supervisor
        values = [
            (GaugeMetricFamily, "children", "Child processes.", len(supervisor.children)),
            (GaugeMetricFamily, "running_jobs", "Jobs that run now.", len(supervisor.running())),
            (GaugeMetricFamily, "beat_age_seconds", "Since leases were last renewed.", time.monotonic() - self.links.last_beat),
            (CounterMetricFamily, "child_deaths", "Children that died unasked.", supervisor.deaths),
            (CounterMetricFamily, "nursery_restarts", "Times the nursery was started again.", supervisor.restarts),
        ]
        for kind, name, help_text, value in values:
            yield kind(f"trafficjobs_worker_{name}", help_text, value=value)


def serve_health(port: int, host: str, supervisor: Supervisor, links: Links) -> ThreadingHTTPServer:
    """Serve in a daemon thread. /healthz answers 503 while no job can be run."""
    registry = CollectorRegistry()
    registry.register(_Processes(supervisor, links))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(registry), "text/plain; version=0.0.4; charset=utf-8")
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

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
