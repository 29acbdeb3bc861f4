"""Who is told of ends in tests: a receiver of webhooks and a mail server, each a thread on loopback, and what came to them."""

import base64
import hashlib
import hmac
import json
import socketserver
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.listening import in_thread

KEY = hashlib.sha512(b"trafficjobs").digest()[:32]
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def is_signed(self, key: bytes = KEY) -> bool:
        """Whether one of its signatures is right, by the words of the specification."""
        content = b".".join([self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body])
        wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return wanted in self.headers["webhook-signature"].split(" ")


Answer = Callable[[BaseHTTPRequestHandler, int], None]


def status(code: int, **headers: str) -> Answer:
    """Answers that status to every request."""

    def answer(handler: BaseHTTPRequestHandler, number: int) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


class Receiver:
    """A receiver; `answer` is called with each request and its number, 0 for the first."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self.answer: Answer = status(204)

    def of(self, job: str) -> list[Received]:
        """What came about one job."""
        return [each for each in self.received if each.json["data"]["id"] == job]


@contextmanager
def receiver(server_class: type[ThreadingHTTPServer] = ThreadingHTTPServer) -> Iterator[Receiver]:
    """A receiver of webhooks."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            made.answer(self, len(made.received) - 1)

        def log_message(self, *_: object) -> None:
            pass

    server = server_class(("127.0.0.1", 0), Handler)
    made = Receiver(f"http://127.0.0.1:{server.server_port}")
    with in_thread(server):
        yield made


class Mailbox:
    """What came to a mail server. `refusals` are answers to RCPT that are given before one is taken; `pause` is made before
    each word, seconds; `tls` is what STARTTLS begins, and `bye` what is said at the end."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[Message] = []
        self.recipients: list[str] = []
        self.logins: list[str] = []
        self.refusals: list[str] = []
        self.pause = 0.0
        self.tls: ssl.SSLContext | None = None
        self.bye = "221 bye"
        self.under_tls = 0  # connections


@contextmanager
def mailbox(port: int = 0) -> Iterator[Mailbox]:
    """A mail server that says what RFC 5321 wants of one, and no more."""

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            time.sleep(made.pause)
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 here")
            while line := self.rfile.readline().decode().strip():
                word = line.upper().split(" ")[0].split(":")[0]
                if word == "EHLO":
                    self.say("250-here")
                    self.say("250-STARTTLS")
                    self.say("250 AUTH PLAIN")
                elif word == "STARTTLS" and made.tls:
                    self.say("220 go on")
                    self.connection = made.tls.wrap_socket(self.connection, server_side=True)
                    self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                    made.under_tls += 1
                elif word == "AUTH":
                    made.logins.append(base64.b64decode(line.split(" ")[2]).decode())
                    self.say("235 welcome")
                elif word == "RCPT" and made.refusals:
                    self.say(made.refusals.pop(0))
                elif word == "RCPT":
                    made.recipients.append(line.partition("<")[2].partition(">")[0])
                    self.say("250 fine")
                elif word == "DATA":
                    self.say("354 go on")
                    lines = []
                    while (raw := self.rfile.readline()) != b".\r\n":
                        lines.append(raw.removeprefix(b".") if raw.startswith(b"..") else raw)
                    made.mails.append(message_from_bytes(b"".join(lines), policy=default))
                    self.say("250 taken")
                elif word == "QUIT":
                    self.say(made.bye)
                    return
                else:
                    self.say("250 fine")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(("127.0.0.1", port), Handler)
    made = Mailbox(server.server_address[1])
    with in_thread(server):
        yield made
