"""gunicorn's worker with threads, except that a connection gets a thread only once a request has come.

gunicorn gives a new connection a thread at once, where it may say nothing for five seconds, or half a line for ever; a few
dozen such clients are enough to keep out all others. Here they wait in the poller, where they cost next to nothing, until
their head is whole, and a short body as well. Uploads and bodies in chunks are read by a thread, as long as they come fast
enough; what nobody wants to read is not waited for.

Nor does gunicorn bound the line of requests that wait for a thread: where more come than are answered, each waits longer than the
one before, until all are answered after their clients have given up. Here the line is short, and whoever finds it full is told so
at once.
"""

import errno
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from services.api.arrivals import LONGEST_HEAD, LONGEST_LINE, State, expects_word, is_all, is_probe, is_whole
from services.api.connections import Connection
from services.api.kinds import TOO_BUSY, TOO_LARGE_HEAD, TOO_LONG_ADDRESS, TOO_SLOW, Kind
from services.api.live import live_of
from services.api.refusals import kind_of, logger, refusal, refusal_of_many

HEAD_PATIENCE = 10.0  # seconds in which the first request of a connection must have begun and its head be complete
BODY_PATIENCE = 60.0  # seconds from then on for a body that is waited for
MOST_WAITING = 32  # requests for each thread that wait for one; about what is answered within a second
LONGEST_WAIT = 3.0  # seconds that the first of them has waited, after which nobody more may, however few do: they take long
RETRY_AFTER = 2  # seconds
# Probes have threads of their own: a process that is busy is neither to be killed for it, nor left alone, nor unseen.
_PROBE_THREADS, _MOST_PROBES = 2, 64
_ACCEPTED_AT_ONCE = 64
_LINGER = 2.0  # seconds in which a client may still send, and read an answer, after which the connection closes
_MOST_DRAINED = 1 << 20  # bytes of a body that nobody has read, and that have come, after which a connection may go on
_PAUSE = 0.05  # seconds, where a connection cannot be accepted now
_TOO_LONG = {
    State.LONG_LINE: (TOO_LONG_ADDRESS, f"The address is longer than {LONGEST_LINE:,} bytes."),
    State.TOO_LARGE: (TOO_LARGE_HEAD, f"The head of the request is longer than {LONGEST_HEAD:,} bytes."),
}


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Named in gunicorn.conf.py."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lingering: deque[tuple[float, socket.socket]] = deque()
        self._bodies: deque[Any] = deque()  # connections whose body is waited for, in the order of their time
        self._line: deque[float] = deque()  # since when each request that has no thread yet waits for one
        self._probes = 0  # that wait or are answered
        self._shed_lately, self._said_so = 0, 0.0  # requests since the log last said so, and when it did

    @property
    def _longest_body(self) -> int:
        """Bytes of a body that is waited for: the limit of every body but an upload."""
        return int(self.wsgi.config["MAX_CONTENT_LENGTH"])

    def accept(self, listener: socket.socket) -> None:
        """A new connection waits in the poller; while the line is full, many are accepted at once, and most of them refused."""
        for _ in range(_ACCEPTED_AT_ONCE if self._is_full() else 1):
            try:
                client, address = listener.accept()
            except OSError as error:  # another process was faster, the client has left, or there are no more files
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    time.sleep(_PAUSE)
                elif error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                    raise
                return
            client.setblocking(False)
            if not self._is_full() or not self._shed(client, spares_probes=True):
                self._await_request(client, address, listener)

    def _await_request(self, client: socket.socket, address: Any, listener: socket.socket) -> None:
        self.nr_conns += 1
        conn = Connection(self.cfg, client, address, listener.getsockname(), self._linger)
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
        elif state is State.GONE:  # which needs no thread
            line.remove(conn)
            self.poller.unregister(conn.sock)
            self.nr_conns -= 1
            conn.close()
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
        self._send(conn.sock, refusal(kind, detail))
        self._linger(conn.sock)

    def _send(self, client: socket.socket, answer: bytes) -> None:
        try:
            client.send(answer, socket.MSG_DONTWAIT)
        except OSError:
            pass  # the client has gone

    def init_process(self) -> None:
        """Called after the fork; returns when the process ends."""
        self._prober = ThreadPoolExecutor(_PROBE_THREADS, "probes")
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """A request has come: it waits for a thread, or is refused where too many do. Its connection is not in the poller."""
        probe, conn.arrival.probe = conn.arrival.probe, False
        if probe and self._probes < _MOST_PROBES:
            self._probes += 1
            self._prober.submit(self.handle, conn).add_done_callback(partial(self._tell, self._end_probe, conn))
        elif self._is_full() and self._shed(conn.sock):
            self.nr_conns -= 1
        else:
            self._line.append(time.monotonic())
            self.tpool.submit(self._take_first, conn).add_done_callback(partial(self._tell, self.finish_request, conn))

    def _take_first(self, conn: Any) -> Any:
        """In a thread: the first of the line has waited long enough."""
        self._line.popleft()
        return self.handle(conn)

    def _tell(self, what: Callable[[Any, Any], None], conn: Any, done: Any) -> None:
        """In a thread: let the main thread go on with a connection whose request was answered."""
        self.method_queue.defer(what, conn, done)

    def _end_probe(self, conn: Any, done: Any) -> None:
        self._probes -= 1
        self.finish_request(conn, done)

    def _is_full(self) -> bool:
        """Whether so many wait for a thread, or one so long, that nobody more is to."""
        try:
            return len(self._line) >= MOST_WAITING * self.cfg.threads or time.monotonic() - self._line[0] > LONGEST_WAIT
        except IndexError:  # empty, perhaps since a moment ago
            return False

    def _shed(self, client: socket.socket, spares_probes: bool = False) -> bool:
        """Refuse what has come on a connection, and close it, in as few steps as can be: there are thousands of them.

        False where nothing has come yet.
        """
        try:
            come = client.recv(LONGEST_HEAD, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            if not come or (spares_probes and is_probe(come)):
                return False
            self._shed_lately += 1
            words = "More requests wait than can be answered soon; nothing was done."
            self._send(client, refusal_of_many(TOO_BUSY, words, RETRY_AFTER))
            if not is_all(come):
                self._linger(client)
                return True
            client.recv(LONGEST_HEAD, socket.MSG_DONTWAIT)  # else the kernel would take the answer back
        except BlockingIOError:
            return False
        except OSError:
            pass  # the client has gone
        client.close()
        return True

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
        """Whether the connection may carry another request: not where a part of the body is still to come.

        Nor where a part of the next one came with this one, since the poller knows nothing of bytes that were read already.
        """
        if not keepalive:
            return False
        try:
            conn.sock.setblocking(False)
            if not conn.parser.finish_body(max_bytes=_MOST_DRAINED):
                return False
        except OSError:
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
        """Called at least once a second: close what has had its time."""
        super().murder_pending()
        if self._shed_lately and self._said_so < time.monotonic() - 1.0:
            logger.warning("refused: %s", TOO_BUSY.title, extra={"status": TOO_BUSY.status, "requests": self._shed_lately})
            self._shed_lately, self._said_so = 0, time.monotonic()
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
        live_of(self.wsgi.extensions).stop()  # also where the loop ended because the parent has gone
        for conn in [*self.pending_conns, *self._bodies]:
            conn.timeout = min(conn.timeout, deadline)
