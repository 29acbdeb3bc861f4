"""The API of a Kubernetes cluster, as far as it is asked for single objects: HTTP or HTTPS on loopback."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

from lib.cluster_api import ClusterApi
from tests.listening import in_thread


class FakeCluster(ThreadingHTTPServer):
    """Answers with the objects it has by path, after `held` is released; with `refusal` refuses everything."""

    daemon_threads = True

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.requests: list[tuple[str, str]] = []
        self.refusal: tuple[int, str] | None = None
        self.held = threading.Event()
        self.held.set()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: FakeCluster

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers["Authorization"]))
        self.server.held.wait(30)
        found = self.server.objects.get(self.path)
        status, body = (404, {"message": "not found"}) if found is None else (200, found)
        if self.server.refusal is not None:
            status, body = self.server.refusal[0], {"message": self.server.refusal[1]}
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """The tests look at the requests."""


@contextmanager
def cluster_in(account: Path, authority: trustme.CA | None = None) -> Iterator[tuple[FakeCluster, ClusterApi]]:
    """A cluster that serves during the block, and its client for the namespace `jobs`.

    Args:
        account: folder to which the token `first` is written, and `ca.crt`.
        authority: of its certificate; without one it speaks plain HTTP.
    """
    (account / "token").write_text("first\n")
    with in_thread(server := FakeCluster()):
        scheme = "http"
        if authority is not None:
            scheme, context = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(context)
            authority.cert_pem.write_to_path(str(account / "ca.crt"))
            server.socket = context.wrap_socket(server.socket, server_side=True)
        try:
            yield server, ClusterApi("jobs", f"{scheme}://127.0.0.1:{server.server_port}", account, timeout=2)
        finally:
            server.held.set()
