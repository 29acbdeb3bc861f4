"""gunicorn's worker with threads, except that a connection gets a thread only once a whole request head has come.

gunicorn gives a new connection a thread at once, where it may say nothing for five seconds, or half a line for ever; a few
dozen such clients are enough to keep out all others. Here they wait in the poller, where they cost next to nothing.
"""

import errno
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

HEAD_PATIENCE = 10.0  # seconds in which the first request of a connection must have begun and its head be complete
SILENCE = 10  # seconds without a byte, sent or received, after which a thread gives up on a client
_LINGER = 1.0  # seconds in which a client may still read an answer after which the connection closes
_REST_PATIENCE = 0.5  # seconds for what is left of a body that was not wanted
_PAUSE = 0.05  # seconds, where a connection cannot be accepted now
_END_OF_HEAD = b"\r\n\r\n"
_LONGEST_HEAD = 1 << 14  # bytes; what is longer goes to a thread as it is
_SILENCE = struct.pack("ll", SILENCE, 0)


class _Connection(TConn):  # type: ignore[misc]
    linger: Callable[[socket.socket], None]

    def close(self, graceful: bool = False) -> None:
        if graceful:
            self.linger(self.sock)
        else:
            super().close()


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Named in gunicorn.conf.py."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lingering: deque[tuple[float, socket.socket]] = deque()

    def accept(self, listener: socket.socket) -> None:
        """A new connection waits in the poller."""
        try:
            client, address = listener.accept()
        except OSError as error:  # another process was faster, the client has left, or there are no more files
            if error.errno in (errno.EMFILE, errno.ENFILE):
                time.sleep(_PAUSE)
            elif error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _SILENCE)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SILENCE)
        conn = _Connection(self.cfg, client, address, listener.getsockname())
        conn.linger = self._linger
        conn.timeout = time.monotonic() + HEAD_PATIENCE
        self.pending_conns.append(conn)
        self.poller.register(client, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Something came on a new connection."""
        if _head_is_whole(conn, client):
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Something came on a connection that was kept open."""
        if _head_is_whole(conn, client):
            super().on_client_socket_readable(conn, client)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Whether the connection may carry another request: not where the rest of the body does not come soon.

        Nor where a part of the next one came with this one, since the poller knows nothing of bytes that were read already.
        """
        if not keepalive or not conn.parser.finish_body(deadline=time.monotonic() + _REST_PATIENCE):
            return False
        ahead = conn.parser.unreader.buf.getvalue()
        return not ahead or _END_OF_HEAD in ahead

    def _linger(self, client: socket.socket) -> None:
        """Close a connection so that the client still gets all of the answer. gunicorn's main loop would wait for it to close."""
        try:
            client.shutdown(socket.SHUT_WR)
            client.setblocking(False)
            self.poller.register(client, selectors.EVENT_READ, self._drain)
        except (OSError, ValueError, KeyError):
            client.close()
            return
        self._lingering.append((time.monotonic() + _LINGER, client))

    def _drain(self, client: socket.socket) -> None:
        try:
            ended = not client.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            ended = True
        if ended:
            self.poller.unregister(client)
            client.close()

    def murder_pending(self) -> None:
        """Called about once a second: close what has had its time."""
        super().murder_pending()
        while self._lingering and self._lingering[0][0] < time.monotonic():
            _, client = self._lingering.popleft()
            if client.fileno() >= 0:
                self.poller.unregister(client)
                client.close()

    def _cap_keepalive(self, deadline: float) -> None:
        """When the worker stops, it does not wait for those who have said nothing yet, either."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)


def _head_is_whole(conn: Any, client: socket.socket) -> bool:
    """Whether a thread can read a request now, or the end of the connection."""
    try:
        seen = client.recv(_LONGEST_HEAD, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    before, conn.head_seen = getattr(conn, "head_seen", 0), len(seen)
    # Nothing more than before: the client has closed its side.
    if _END_OF_HEAD in seen or len(seen) in (0, before) or len(seen) >= _LONGEST_HEAD:
        conn.head_seen = 0
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        return True
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(seen) + 1)  # the poller wakes when there is more
    return False
