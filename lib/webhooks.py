"""One HTTP request of a webhook: signed as https://www.standardwebhooks.com says, sent to an address that was looked at.

No proxy, no redirect, no second look at the name: the connection goes to one of the addresses that `lib.egress` allowed,
while TLS still asks for the certificate of the name. What is answered beyond the status is of no interest and hardly read.
"""

import http.client
import io
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lib.egress import Egress
from lib.outgoing import connected, left
from lib.signing import signature

TIMEOUT = 10.0  # seconds for everything: connection, request and the head of the answer; what the name took is taken off
_MOST_READ = 16 * 1024  # bytes of an answer


@dataclass(frozen=True)
class Answer:
    """What a receiver said. `retry_after` is that header as it came."""

    status: int
    retry_after: str | None


def post(
    egress: Egress,
    url: str,
    identity: str,
    body: bytes,
    keys: Sequence[bytes],
    timeout: float = TIMEOUT,
    traceparent: str | None = None,
) -> Answer:
    """Send one webhook and return what the receiver says.

    Args:
        identity: of the delivery; the same for each of its attempts.
        timeout: seconds for all of it; only the lookup of the name, which nobody can break off, may take longer.
        traceparent: the trace that what is told belongs to.

    Raises:
        Refused: it may not go there.
        OSError, http.client.HTTPException: nobody answered in time, or not in HTTP; the certificate is not right.
    """
    end = time.monotonic() + timeout
    endpoint = egress.endpoint(url)
    addresses = egress.addresses(endpoint)
    now = int(time.time())
    headers = {
        "Host": endpoint.authority,
        "User-Agent": "trafficjobs",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Accept": "*/*",
        "Connection": "close",
        "webhook-id": identity,
        "webhook-timestamp": str(now),
        "webhook-signature": signature(keys, identity, now, body),
    } | ({"traceparent": traceparent} if traceparent else {})
    lines = [f"POST {endpoint.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    with connected(endpoint, addresses, end) as connection:
        _send(connection, "\r\n".join([*lines, "", ""]).encode("ascii") + body, end)
        return _answer(connection, end)


def _send(connection: socket.socket, data: bytes, end: float) -> None:
    rest = memoryview(data)
    while rest:
        connection.settimeout(left(end))
        rest = rest[connection.send(rest) :]


class _Reader(io.RawIOBase):
    """What a connection says until a time, and no more than a little of it."""

    def __init__(self, connection: socket.socket, end: float) -> None:
        self._connection, self._end, self._room = connection, end, _MOST_READ

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._room:
            raise http.client.HTTPException("the head of the answer has no end")
        self._connection.settimeout(left(self._end))
        got = self._connection.recv_into(memoryview(buffer)[: self._room])
        self._room -= got
        return got


class _Source:
    """What `http.client` takes for a socket."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(self._reader)


def _answer(connection: socket.socket, end: float) -> Answer:
    response = http.client.HTTPResponse(_Source(_Reader(connection, end)), method="POST")  # type: ignore[arg-type]
    try:
        response.begin()
        return Answer(response.status, response.headers.get("Retry-After"))
    finally:
        response.close()
