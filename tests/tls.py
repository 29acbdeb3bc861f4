"""TLS in front of any server of Redis: a proxy that ends it, with a certificate of an authority of its own."""

import socket
import ssl
import threading

import trustme


def relay(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until one side ends."""
    try:
        while data := source.recv(65_536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class TlsProxy:
    """Listens with TLS on `port`, and hands every connection's plain bytes to the server behind it."""

    def __init__(self, authority: trustme.CA, behind: int) -> None:
        self.behind = behind
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self.context)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            client = self.context.wrap_socket(plain, server_side=True)
        except OSError:
            plain.close()
            return
        with client, socket.create_connection(("127.0.0.1", self.behind)) as server:
            threading.Thread(target=relay, args=(server, client), daemon=True).start()
            relay(client, server)
