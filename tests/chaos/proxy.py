"""A TCP proxy in front of Redis that forwards a request, swallows its reply and closes the connection: a lost reply.

Only replies of scripts are dropped (EVALSHA, EVAL), and never a NOSCRIPT, since then nothing was done.
"""

import socket
import threading


class Proxy:
    """Listens on a port of its own and forwards to `port`; use as a context manager.

    Args:
        port: of the server on loopback.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._lock = threading.Lock()
        self._armed: list[bytes] = []
        self.dropped: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def drop(self, marker: bytes = b"EVALSHA") -> None:
        """Drop the reply of the next script whose request holds `marker` (its sha, say)."""
        with self._lock:
            self._armed.append(marker)

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

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
            _Link(self, client, server)

    def take(self, request: bytes) -> bytes | None:
        """The marker for which this request's reply is to be dropped."""
        with self._lock:
            found = next((marker for marker in self._armed if marker in request), None)
            if found is not None and b"EVAL" in request:
                self._armed.remove(found)
                return found
        return None


class _Link:
    """One connection: two threads, one for each way."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.marker: bytes | None = None
        for way in (self._requests, self._replies):
            threading.Thread(target=way, daemon=True).start()

    def _requests(self) -> None:
        try:
            while data := self.client.recv(65_536):
                if self.proxy._armed and self.marker is None:
                    self.marker = self.proxy.take(data)
                self.server.sendall(data)
        except OSError:
            pass
        self._shut()

    def _replies(self) -> None:
        try:
            while data := self.server.recv(65_536):
                if self.marker is not None:
                    marker, self.marker = self.marker, None
                    if not data.startswith(b"-NOSCRIPT"):
                        self.proxy.dropped.append(marker)
                        break
                    self.proxy.drop(marker)
                self.client.sendall(data)
        except OSError:
            pass
        self._shut()

    def _shut(self) -> None:
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
