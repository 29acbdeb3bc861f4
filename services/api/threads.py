"""gunicorn's worker with threads, except that a connection gets a thread only once a request has come.

gunicorn gives a new connection a thread at once, where it may say nothing for five seconds, or half a line for ever; a few
dozen such clients are enough to keep out all others. Here they wait in the poller, where they cost next to nothing, until
their head is whole, and a short body as well. Uploads and bodies in chunks are read by a thread.
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

from services.api.arrivals import LONGEST_HEAD, LONGEST_LINE, Arrival, State, expects_word, is_whole
from services.api.kinds import TOO_LARGE_HEAD, TOO_LONG_ADDRESS, TOO_SLOW, Kind
from services.api.refusals import kind_of, refusal

HEAD_PATIENCE = 10.0  # seconds in which the first request of a connection must have begun and its head be complete
BODY_PATIENCE = 60.0  # seconds from then on for a body that is waited for
SILENCE = 10  # seconds without a byte, sent or received, after which a thread gives up on a client
_LINGER = 1.0  # seconds in which a client may still read an answer after which the connection closes
_REST_PATIENCE = 0.5  # seconds for what is left of a body that was not wanted
_PAUSE = 0.05  # seconds, where a connection cannot be accepted now
_TOO_LONG = {
    State.LONG_LINE: (TOO_LONG_ADDRESS, f"The address is longer than {LONGEST_LINE:,} bytes."),
    State.TOO_LARGE: (TOO_LARGE_HEAD, f"The head of the request is longer than {LONGEST_HEAD:,} bytes."),
}
_SILENCE = struct.pack("ll", SILENCE, 0)


class _Connection(TConn):  # type: ignore[misc]
    linger: Callable[[socket.socket], None]
    arrival: Arrival

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
        self._bodies: deque[Any] = deque()  # connections whose body is waited for, in the order of their time

    @property
    def _longest_body(self) -> int:
        """Bytes of a body that is waited for: the limit of every body but an upload."""
        return int(self.wsgi.config["MAX_CONTENT_LENGTH"])

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
        conn.linger, conn.arrival = self._linger, Arrival()
        conn.timeout = time.monotonic() + HEAD_PATIENCE
        self.pending_conns.append(conn)
        self.poller.register(client, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Something came on a new connection."""
        self._look(conn, self.pending_conns, super().on_pending_socket_readable)

    def on_client_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Something came on a connection that was kept open."""
        self._look(conn, self.keepalived_conns, super().on_client_socket_readable)

    def _look(self, conn: Any, line: deque[Any], serve: Callable[[Any, socket.socket], None]) -> None:
        state = conn.arrival.look(conn.sock, self._longest_body)
        if state is State.COME:
            serve(conn, conn.sock)
        elif state in _TOO_LONG:
            line.remove(conn)
            self._refuse(conn, *_TOO_LONG[state])
        elif state is State.BODY:
            line.remove(conn)
            self._await_body(conn)

    def _await_body(self, conn: Any) -> None:
        conn.timeout = time.monotonic() + BODY_PATIENCE
        self._bodies.append(conn)
        self.poller.modify(conn.sock, selectors.EVENT_READ, partial(self._on_body_readable, conn))
        try:
            if expects_word(conn.sock):
                conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n", socket.MSG_DONTWAIT)
        except OSError:
            pass  # the client has gone, which the next look finds

    def _on_body_readable(self, conn: Any, client: socket.socket) -> None:
        if conn.arrival.look(client, self._longest_body) is State.COME:
            self.poller.unregister(client)
            self._bodies.remove(conn)
            conn.data_ready = True
            self.enqueue_req(conn)

    def _refuse(self, conn: Any, kind: Kind, detail: str) -> None:
        """Answer without a thread, and close."""
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        try:
            conn.sock.send(refusal(kind, detail), socket.MSG_DONTWAIT)
        except OSError:
            pass  # the client has gone
        self._linger(conn.sock)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what gunicorn cannot read."""
        kind = kind_of(exc)
        if kind is None:
            super().handle_error(req, client, addr, exc)
            return
        try:
            client.sendall(refusal(kind, f"{exc}."))
        except OSError:
            pass  # the client has gone

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Whether the connection may carry another request: not where the rest of the body does not come soon.

        Nor where a part of the next one came with this one, since the poller knows nothing of bytes that were read already.
        """
        if not keepalive or not conn.parser.finish_body(deadline=time.monotonic() + _REST_PATIENCE):
            return False
        return is_whole(conn.parser.unreader.buf.getvalue(), self._longest_body)

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
        while self._bodies and self._bodies[0].timeout < time.monotonic():
            self._refuse(self._bodies.popleft(), TOO_SLOW, f"The body had not come within {BODY_PATIENCE:g} seconds.")
        while self._lingering and self._lingering[0][0] < time.monotonic():
            _, client = self._lingering.popleft()
            if client.fileno() >= 0:
                self.poller.unregister(client)
                client.close()

    def _cap_keepalive(self, deadline: float) -> None:
        """When the worker stops, it does not wait for those who have said nothing yet, either."""
        super()._cap_keepalive(deadline)
        for conn in [*self.pending_conns, *self._bodies]:
            conn.timeout = min(conn.timeout, deadline)
