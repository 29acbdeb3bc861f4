"""`python -m bench.http.load <host> <port> <connections> <seconds>`: one process that submits as fast as it is answered.

Every connection is kept alive and sends its next request once it has the whole answer; each request has parameters of its
own. What is not 2xx ends the run with an error. It prints the answers and the seconds as JSON. `python -m bench.http.load
--serve` answers every request at once, to show how fast the load itself can be.
"""

import asyncio
import itertools
import json
import sys
import time

_HEAD = b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
_FIRST = 10**9 + time.time_ns() // 1_000 % 10**9  # no run has the numbers of another one, and all have as many digits
_LENGTH = b"content-length:"
_NOTHING = b"HTTP/1.1 202 ACCEPTED\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Sender(asyncio.Protocol):
    """One connection."""

    answered = 0
    error = ""
    stopping = False
    _numbers = itertools.count(_FIRST)

    def __init__(self, done: "asyncio.Future[None]") -> None:
        self._done, self._buffer = done, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        body = b'{"operation":"noop","params":{"number":%d}}' % next(Sender._numbers)
        self._transport.write(_HEAD % (len(body), body))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lowered = head.lower()
        at = lowered.index(_LENGTH) + len(_LENGTH)
        if len(rest) < int(lowered[at:].split(b"\r\n", 1)[0]):
            return
        if not head.startswith(b"HTTP/1.1 2"):
            self._end(self._buffer[:500].decode(errors="replace"))
            return
        self._buffer = b""
        Sender.answered += 1
        if Sender.stopping:
            self._end()
        else:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self._end("" if self._done.done() else "the connection was closed")

    def _end(self, error: str = "") -> None:
        Sender.error = Sender.error or error
        if not self._done.done():
            self._done.set_result(None)
            self._transport.close()


async def send(host: str, port: int, connections: int, seconds: float) -> dict[str, float]:
    """Answers and seconds: until the last connection has its last answer."""
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]
    began = time.monotonic()
    await asyncio.gather(*(loop.create_connection(lambda end=end: Sender(end), host, port) for end in ends))  # type: ignore[misc]
    await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    Sender.stopping = True
    await asyncio.wait(ends, timeout=30)
    if Sender.error or not all(end.done() for end in ends):
        sys.exit(f"not every answer was 2xx: {Sender.error or 'one never came'}")
    return {"answers": Sender.answered, "seconds": time.monotonic() - began}


class Nothing(asyncio.Protocol):
    """A connection whose every packet is answered."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(_NOTHING)


async def serve() -> None:
    """Print the port and answer for ever."""
    server = await asyncio.get_running_loop().create_server(Nothing, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        asyncio.run(serve())
    else:
        print(json.dumps(asyncio.run(send(sys.argv[1], *map(int, sys.argv[2:4]), float(sys.argv[4])))))
