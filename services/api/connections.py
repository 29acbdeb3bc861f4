"""A connection of the API as `threads.Worker` has it: a thread that reads from it, or writes to it, gives up in time.

A client that says nothing is given up by the socket's own timeouts, one that sends a byte now and then by its pace.
"""

import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from gunicorn.http.unreader import SocketUnreader  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn  # type: ignore[import-untyped]

from services.api.arrivals import Arrival

SILENCE = 10  # seconds without a byte, sent or received, after which a thread gives up on a client
_SLOWEST = 1_000  # bytes a second that a body must come with, after SILENCE seconds
_TIMEOUT = struct.pack("ll", SILENCE, 0)


class TooSlow(TimeoutError):
    """A body has come for long, and with less than _SLOWEST bytes a second."""


class _Reader(SocketUnreader):  # type: ignore[misc]  # gunicorn has no types
    """Reads for a thread."""

    def begin(self) -> None:
        """A request begins."""
        self._began, self._come = time.monotonic(), 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes. Raises TooSlow, OSError."""
        if time.monotonic() > self._began + SILENCE + self._come / _SLOWEST:
            raise TooSlow
        data: bytes = super().chunk(size_hint)
        self._come += len(data)
        return data


class Connection(TConn):  # type: ignore[misc]
    """One connection and what has come on it.

    Args:
        linger: closes it so that the client still gets all of the answer.
    """

    def __init__(
        self, cfg: Any, client: socket.socket, address: Any, server: Any, linger: Callable[[socket.socket], None]
    ) -> None:
        super().__init__(cfg, client, address, server)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEOUT)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEOUT)
        self.linger, self.arrival = linger, Arrival()

    def init(self) -> None:
        """Called in a thread before each request."""
        super().init()
        if not isinstance(self.parser.unreader, _Reader):
            self.parser.unreader = _Reader(self.sock)
        self.parser.unreader.begin()

    def close(self, graceful: bool = False) -> None:
        """Close it, where that is asked for so that the client still gets all of the answer."""
        if graceful:
            self.linger(self.sock)
        else:
            super().close()
