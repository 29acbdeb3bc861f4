"""`python -m bench.delay <port> <milliseconds>`: a network between the contestants and a server on loopback.

A process of its own forwards every connection and holds back what it forwards, in either direction, for so long; it prints
the port on which it listens. What follows at once follows at once there, too: it delays and does not narrow. Without a delay
there is none.
"""

import asyncio
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from bench.environments import ROOT


@contextmanager
def delayed(port: int, milliseconds: float) -> Iterator[int]:
    """A port that leads to the given one, so many milliseconds away."""
    command = [sys.executable, "-m", "bench.delay", str(port), str(milliseconds)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


class _End(asyncio.Protocol):
    """One end of a connection; what comes in goes out at the other end when it is due."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._due: deque[tuple[float, bytes]] = deque()
        self._transport: asyncio.Transport | None = None
        self.other: _End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        self.other.send_later(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self.other is not None:
            self.other.send_later(b"")

    def send_later(self, data: bytes) -> None:
        """Send it after the delay; nothing stands for the end."""
        loop = asyncio.get_running_loop()
        self._due.append((loop.time() + self._delay, data))
        if len(self._due) == 1:
            loop.call_later(self._delay, self._send)

    def _send(self) -> None:
        loop = asyncio.get_running_loop()
        while self._due and self._due[0][0] <= loop.time():
            data = self._due.popleft()[1]
            if self._transport is None:
                continue
            if data:
                self._transport.write(data)
            else:
                self._transport.close()
        if self._due:
            loop.call_at(self._due[0][0], self._send)


class _Front(_End):
    """The end at which somebody connected."""

    def __init__(self, delay: float, port: int) -> None:
        super().__init__(delay)
        self._port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self._transport is not None
        self._transport.pause_reading()
        self._opening = asyncio.ensure_future(self._open())

    async def _open(self) -> None:
        back = _End(self._delay)
        back.other, self.other = self, back
        await asyncio.get_running_loop().create_connection(lambda: back, "127.0.0.1", self._port)
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.resume_reading()


async def forward(port: int, delay: float) -> None:
    """Serve for ever."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Front(delay, port), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(forward(int(sys.argv[1]), float(sys.argv[2]) / 1_000))
