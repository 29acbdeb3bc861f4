"""Requests on bare sockets, thousands at once, from a process of its own: `python -m tests.load.generator` with a plan as JSON.

An open loop sends each request when its time has come, whether those before are answered or not; a closed loop is clients of
which each sends its next request once it has its answer, or after Retry-After where it was refused. A connection is used again
while the service keeps it open. One thread and epoll: it takes a fraction of what the service takes for the same requests.
"""

import heapq
import json
import os
import resource
import select
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.waiting import until

ROOT = Path(__file__).parents[2]
BODY = b'{"operation": "unique_issues"}'
SUBMIT = b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
LIST = b"GET /jobs?limit=5 HTTP/1.1\r\nHost: localhost\r\n\r\n"
READ_EVERY = 10  # of so many requests one reads
_AT_ONCE = 32  # requests that are begun before answers are looked at


@dataclass(frozen=True)
class Plan:
    """What to send to a port on loopback.

    Args:
        rate: requests a second of an open loop; 0: a closed loop.
        clients: of a closed loop.
        seconds: for which requests are begun.
        patience: seconds after which a request without an answer counts as hung.
        nice: how far the service goes first.
    """

    port: int
    seconds: float
    rate: float = 0.0
    clients: int = 0
    patience: float = 10.0
    nice: int = 0


@dataclass(frozen=True)
class Answer:
    """What came of one request. Times are seconds since the beginning.

    Args:
        due: when it was to be sent.
        sent: when it was; later where the generator itself had too little of the processors.
        seconds: from then to the end of the answer.
        status: 0 where none came, or the connection was cut.
        retry: seconds in Retry-After; 0 without.
        job: the id, where one was accepted.
    """

    due: float
    sent: float
    seconds: float
    status: int
    retry: int = 0
    job: str = ""


class _Exchange:
    """One request on its way, on one connection."""

    __slots__ = ("due", "out", "received", "sent", "sock")

    def __init__(self, sock: socket.socket, out: bytes, due: float, sent: float) -> None:
        self.sock, self.out, self.due, self.sent, self.received = sock, out, due, sent, b""

    def whole(self) -> bool:
        """Whether the whole answer has come."""
        head, end, body = self.received.partition(b"\r\n\r\n")
        return bool(end) and len(body) >= int(_field(head, b"content-length") or 0)


class Generator:
    """Plays a plan; `answers` at the end."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.answers: list[Answer] = []
        self._poll = select.epoll()
        self._open: dict[int, _Exchange] = {}
        self._idle: list[socket.socket] = []
        count = int(plan.rate * plan.seconds)
        self._due = [number / plan.rate for number in range(count)] if plan.rate else [0.0] * plan.clients
        self._begun, self._number = 0.0, 0

    def run(self) -> None:
        """Send everything, and wait for each answer until it has had its time."""
        self._begun = time.monotonic()
        looked = 0.0
        while self._due or self._open:
            now = self._now()
            for _ in range(_AT_ONCE):
                if not self._due or self._due[0] > now:
                    break
                self._send(heapq.heappop(self._due))
            wait = min(self._due[0] - self._now(), 0.1) if self._due else 0.1
            for number, _ in self._poll.poll(max(wait, 0.0)):
                self._go_on(self._open[number])
            if now > looked + 0.25:
                looked = now
                self._give_up(now - self.plan.patience)

    def _now(self) -> float:
        return time.monotonic() - self._begun

    def _send(self, due: float) -> None:
        self._number += 1
        out = LIST if self._number % READ_EVERY == 0 else SUBMIT
        sent = self._now()
        if self._idle:
            sock = self._idle.pop()
        else:
            sock = socket.socket()
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect_ex(("127.0.0.1", self.plan.port))
        self._open[sock.fileno()] = _Exchange(sock, out, due, sent)
        self._poll.register(sock, select.EPOLLOUT)

    def _go_on(self, exchange: _Exchange) -> None:
        try:
            if exchange.out:
                exchange.out = exchange.out[exchange.sock.send(exchange.out) :]
                if not exchange.out:
                    self._poll.modify(exchange.sock, select.EPOLLIN)
                return
            piece = exchange.sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        exchange.received += piece
        if not piece or exchange.whole():
            self._end(exchange, cut=not exchange.whole())

    def _end(self, exchange: _Exchange, cut: bool) -> None:
        head, _, body = exchange.received.partition(b"\r\n\r\n")
        status = 0 if cut else int(head.split(b" ", 2)[1])
        retry = int(_field(head, b"retry-after") or 0)
        job = str(json.loads(body)["id"]) if status == 202 else ""
        self.answers.append(Answer(exchange.due, exchange.sent, self._now() - exchange.sent, status, retry, job))
        self._poll.unregister(exchange.sock)
        del self._open[exchange.sock.fileno()]
        if cut or _field(head, b"connection").lower() == b"close":
            exchange.sock.close()
        else:
            self._idle.append(exchange.sock)
        if self.plan.clients and (again := self._now() + retry) < self.plan.seconds:
            heapq.heappush(self._due, again)

    def _give_up(self, sent_before: float) -> None:
        for exchange in [each for each in self._open.values() if each.sent < sent_before]:
            self._end(exchange, cut=True)


def _field(head: bytes, name: bytes) -> bytes:
    """A header's value; empty where there is none."""
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    return b""


def generate(plan: Plan, folder: Path) -> list[Answer]:
    """Play a plan in a process of its own; its answers."""
    path = folder / f"answers-{time.monotonic_ns()}.json"
    command = [sys.executable, "-m", "tests.load.generator", json.dumps(asdict(plan)), str(path)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        until(lambda: process.poll() is not None, 3 * (plan.seconds + plan.patience) + 30, "the end of the generator")
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    return [Answer(*each) for each in json.loads(path.read_text())]


def main() -> None:
    """Play the plan of the command line, and write the answers into the file that it names."""
    plan = Plan(**json.loads(sys.argv[1]))
    os.nice(plan.nice)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    generator = Generator(plan)
    generator.run()
    rows = [[each.due, each.sent, each.seconds, each.status, each.retry, each.job] for each in generator.answers]
    Path(sys.argv[2]).write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
