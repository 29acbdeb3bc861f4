"""Ways to a service that lose answers, and services that are not the real one, for what the real one does not do on demand."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.listening import in_thread


class Loses(httpx.BaseTransport):
    """A network on which requests arrive and their answers get lost, so many times for each method and path.

    `then` is where requests go after that: another copy of the API, say.
    """

    def __init__(self, times: int, lost: Callable[[httpx.Request], bool], then: str | None = None) -> None:
        self.left = times
        self.lost = lost
        self.then = then
        self.sent: list[str] = []
        self._real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.left == 0 and self.then is not None:
            there = httpx.URL(self.then)
            request.url = request.url.copy_with(host=there.host, port=there.port)
            request.headers["Host"] = there.netloc.decode()
        response = self._real.handle_request(request)
        self.sent.append(f"{request.method} {request.url.path}")
        if self.left and self.lost(request):
            self.left -= 1
            response.read()
            response.close()
            raise httpx.ReadError("the connection was lost")
        return response

    def close(self) -> None:
        self._real.close()


Page = tuple[int, Any, dict[str, str]]


def answering(status: int, problem: dict[str, object], headers: dict[str, str] | None = None) -> AbstractContextManager[str]:
    """A service on a real socket that answers everything with one problem; its address."""
    return serving({}, (status, problem, {"Content-Type": "application/problem+json"} | (headers or {})))


@contextmanager
def serving(pages: dict[str, Any], otherwise: Page = (404, {}, {})) -> Iterator[str]:
    """A service on a real socket that answers each path with its JSON, and any other one with `otherwise`; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            status, value, headers = (200, pages[path], dict[str, str]()) if path in pages else otherwise
            body = json.dumps(value).encode()
            self.send_response(status)
            for name, header in ({"Content-Type": "application/json", "Content-Length": str(len(body))} | headers).items():
                self.send_header(name, header)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET

        def date_time_string(self, timestamp: float | None = None) -> str:
            return str(pages.get("Date") or super().date_time_string(timestamp))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with in_thread(server):
        yield f"http://127.0.0.1:{server.server_port}"
