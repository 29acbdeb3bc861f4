"""A gunicorn of its own for a test, clients on bare sockets that do what they like, and how long the others wait meanwhile."""

import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

from lib.claims import complete
from lib.jobs import Jobs
from lib.settings import Settings, load_settings
from tests import service
from tests.meanwhile import Meanwhile
from tests.servers import Server
from tests.waiting import until

CROWD = 500
PROCESSES, THREADS = 2, 8
PLACES = PROCESSES * THREADS // 2


class Api:
    """A gunicorn of its own, and the queue that it serves."""

    def __init__(self, running: service.Api, settings: Settings) -> None:
        self.port, self.url, self.log = running.port, running.url, running.log
        self.process = psutil.Process(running.process.pid)
        self.settings, self.queue = settings, Jobs(settings)

    def submit(self) -> str:
        """The id of a new job."""
        answer = self._post()
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def submit_in_a_crowd(self) -> None:
        """Where more requests wait than can be answered soon, come again, as one is told to."""
        until(self._is_accepted, 20, "a place in the line")

    def _is_accepted(self) -> bool:
        answer = self._post()
        crowded = answer.status_code == 503 and "/problems/too-busy" in answer.text
        assert crowded or answer.status_code == 202, answer.text
        return not crowded

    def _post(self) -> requests.Response:
        return requests.post(f"{self.url}/jobs", json={"operation": "unique_issues"}, timeout=10)

    def end_next(self) -> None:
        """Run the next job to its end."""
        taken = self.queue.claim("child", "worker", self.settings.all_queues)
        assert taken is not None
        self.queue.finish(taken, complete(b"{}"))


@contextmanager
def gunicorn(server: Server, folder: Path, **more: Any) -> Iterator[Api]:
    """An API as it is deployed, for a release of its own; `more` is what `tests.service.api` takes."""
    prefix = f"crowd{os.getpid()}-{folder.name}:"
    settings = load_settings(redis_ip="127.0.0.1", redis_port=server.port, key_prefix=prefix, data_cache=folder / "cache")
    with service.serving(settings, folder, **{"api_workers": PROCESSES, "api_threads": THREADS} | more) as running:
        made = Api(running, settings)
        try:
            yield made
        finally:
            made.queue.close()


class Client:
    """A client of a stream, on a bare socket: `received` is all that it has read so far."""

    def __init__(self, api: Api, path: str = "/events", last: str = "", buffer: int = 0, say: bytes | None = None) -> None:
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.connect(("127.0.0.1", api.port))
        self.received = b""
        self._closed = False
        seen = f"Last-Event-ID: {last}\r\n" if last else ""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{seen}\r\n".encode() if say is None else say)
        self.socket.setblocking(False)

    def read(self) -> bytes:
        """All that has come, without waiting."""
        while not self._closed:
            try:
                piece = self.socket.recv(1 << 16)
            except BlockingIOError:
                break
            except OSError:
                piece = b""
            self._closed = not piece
            self.received += piece
        return self.received

    @property
    def closed(self) -> bool:
        """Whether the API has hung up."""
        self.read()
        return self._closed

    @property
    def status(self) -> int:
        """Of the answer; 0 before it comes."""
        match = re.match(rb"HTTP/1\.1 (\d+)", self.read())
        return int(match[1]) if match else 0

    @property
    def over(self) -> bool:
        """Whether the stream has ended: its last chunk, or the connection."""
        return self.closed or self.received.endswith(b"0\r\n\r\n")

    def seen(self) -> list[str]:
        """Ids of the jobs in its events of status submitted, in order."""
        return [each.decode() for each in re.findall(rb'data: {"id":"([^"]+)","status":"submitted"', self.read())]

    def last_id(self) -> str:
        return re.findall(rb"\nid: (\S+)", self.read())[-1].decode()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def streams(api: Api, stack: ExitStack, count: int, path: str = "/events", buffer: int = 0) -> list[Client]:
    """So many open streams: each process has its own places, so that one may have to try again."""
    found: list[Client] = []

    def one() -> Client | None:
        made = Client(api, path, buffer=buffer)
        if until(lambda: made.status, 10, "an answer") == 200:
            return stack.enter_context(made)
        made.socket.close()
        return None

    while len(found) < count:
        found.append(until(one, 20, f"stream {len(found) + 1} of {count}"))
    return found


PROMISED = 1.0  # seconds in which everything else is answered, whatever the crowd does


class Slowest(Meanwhile):
    """Asks for /healthz and submits all the time, in threads of its own; the longest that either took, in seconds."""

    def __init__(self, api: Api) -> None:
        self.seconds: dict[str, float] = {"healthz": 0.0, "submit": 0.0}
        self.asked = 0
        super().__init__(
            lambda: self._ask("healthz", lambda: requests.get(f"{api.url}/healthz", timeout=20)),
            lambda: self._ask("submit", api.submit_in_a_crowd),
        )

    def _ask(self, name: str, action: Callable[[], object]) -> None:
        while not self.ending.is_set():
            began = time.monotonic()
            action()
            self.seconds[name] = max(self.seconds[name], time.monotonic() - began)
            self.asked += 1

    def look(self, count: int = 50) -> None:
        """Return after so many answers more; AssertionError where one took longer than five times the second it may take."""
        until(lambda have=self.asked: self.asked > have + count, 30, "more answers")  # type: ignore[misc]
        assert max(self.seconds.values()) < 5 * PROMISED, self.seconds


class Probe(Meanwhile):
    """Asks for `paths` every so many seconds, as Kubernetes does but more often; `answers` are what it was told, 0 where
    nothing came, and how long each took, in seconds.
    """

    def __init__(self, url: str, paths: Sequence[str], every: float, timeout: float) -> None:
        self.answers: list[tuple[int, float]] = []
        self._url, self._paths, self._every, self._timeout = url, paths, every, timeout
        super().__init__(self._run)

    def _run(self) -> None:
        while not self.ending.wait(self._every):
            for path in self._paths:
                began = time.monotonic()
                try:
                    status = requests.get(self._url + path, timeout=self._timeout).status_code
                except requests.RequestException:
                    status = 0
                self.answers.append((status, time.monotonic() - began))
