"""Servers on loopback that are threads of the test, and end with it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, BaseServer, ThreadingTCPServer


@contextmanager
def in_thread(server: BaseServer) -> Iterator[None]:
    """Let it serve during the block, and close it."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    with server:
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def talking(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that says to each client what `talk` says, and hangs up; its port."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # the client had enough
                talk(self.request)

    class Server(ThreadingTCPServer):
        daemon_threads = True

    with in_thread(server := Server(("127.0.0.1", 0), Handler)):
        yield int(server.server_address[1])
