"""A TCP proxy in front of Redis that does what networks do: it loses a reply, slows down, or goes silent and closes nothing.

Of replies only those of scripts are dropped (EVALSHA, EVAL, FCALL), and never the one that there is no such script, since
then nothing was done. What goes silent stays open at both ends, as when a router forgets a connection: nobody is told, and
each side has only its timeouts. Such a link does harm from the first request that is sent through it, however much later.
"""

import socket
import threading
import time
from dataclasses import dataclass

_BLOCKING = (b"XREAD", b"BLPOP", b"MONITOR")  # requests that may wait for their answer anyway


@dataclass
class Stall:
    """From when until when somebody waited for an answer on a silent link; times are of the machine's clock."""

    start: float
    end: float = float("inf")


class Proxy:
    """Listens on a port of its own and forwards to `port`; use as a context manager.

    Args:
        port: of the server on loopback.
        behind: name of the worker that connects through it, "" where it is none.
    """

    def __init__(self, port: int, behind: str = "") -> None:
        self._target, self.behind = port, behind
        self._lock = threading.Lock()
        self._armed: list[bytes] = []
        self._links: set[_Link] = set()
        self._latency, self._slow_until, self._silent_until = 0.0, 0.0, 0.0
        self.dropped: list[bytes] = []
        self.stalls: list[Stall] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def drop(self, marker: bytes = b"") -> None:
        """Drop the reply of the next script, of the next whose request holds `marker` (its sha, say)."""
        with self._lock:
            self._armed.append(marker)

    def slow(self, latency: float, seconds: float) -> None:
        """For so long, every request and its reply together take `latency` seconds more."""
        self._latency, self._slow_until = latency, time.monotonic() + seconds

    def silence(self, seconds: float = 0.0) -> None:
        """Pass nothing more on, in either direction, of the connections that are open now, nor of those that come within
        `seconds`; they are closed by nobody but their ends."""
        self._silent_until = time.monotonic() + seconds
        with self._lock:
            for link in self._links:
                link.silent = True

    def close(self) -> None:
        """Stop listening, and close what was left open."""
        self._listener.close()
        with self._lock:
            links, self._links = self._links, set()
        for link in links:
            link.shut()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._links.add(_Link(self, client, server, time.monotonic() < self._silent_until))

    def take(self, request: bytes) -> bytes | None:
        """The marker for which this request's reply is to be dropped."""
        with self._lock:
            found = next((marker for marker in self._armed if marker in request), None)
            if found is not None and (b"EVAL" in request or b"FCALL" in request):
                self._armed.remove(found)
                return found
        return None

    def stalled(self) -> "Stall":
        """Somebody waits, from now on, for an answer that does not come."""
        stall = Stall(time.time())
        self.stalls.append(stall)
        return stall

    def lag(self) -> None:
        """Take the time that one way of the network takes now."""
        if time.monotonic() < self._slow_until:
            time.sleep(self._latency / 2)

    def forget(self, link: "_Link") -> None:
        """Both its ends are closed."""
        with self._lock:
            self._links.discard(link)


class _Link:
    """One connection: two threads, one for each way."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket, silent: bool) -> None:
        self.proxy, self.client, self.server, self.silent = proxy, client, server, silent
        self.marker: bytes | None = None
        self.asked = False  # something that is answered at once, by the last request
        self.stall: Stall | None = None
        for way in (self._requests, self._replies):
            threading.Thread(target=way, daemon=True).start()

    def _requests(self) -> None:
        try:
            while data := self.client.recv(65_536):
                self.asked = not any(word in data for word in _BLOCKING)
                if self.proxy._armed and self.marker is None and not self.silent:
                    self.marker = self.proxy.take(data)
                self.proxy.lag()
                if self.silent:
                    self._swallow()
                else:
                    self.server.sendall(data)
        except OSError:
            pass
        self._ended(self.client)

    def _replies(self) -> None:
        try:
            while data := self.server.recv(65_536):
                if self.marker is not None:
                    marker, self.marker = self.marker, None
                    if not data.startswith((b"-NOSCRIPT", b"-ERR Function not found")):
                        self.proxy.dropped.append(marker)
                        break
                    self.proxy.drop(marker)
                self.proxy.lag()
                if self.silent:
                    self._swallow()
                else:
                    self.client.sendall(data)
        except OSError:
            pass
        self._ended(self.server)

    def _swallow(self) -> None:
        if self.asked and self.stall is None:
            self.stall = self.proxy.stalled()

    def _ended(self, end: socket.socket) -> None:
        """One end has closed; the other one hears of it, unless the link is silent."""
        if end is self.client and self.stall is not None:
            self.stall.end = time.time()
        if self.silent:
            end.close()
            if self.client.fileno() != -1 or self.server.fileno() != -1:
                return
        self.shut()
        self.proxy.forget(self)

    def shut(self) -> None:
        """Close both ends."""
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
