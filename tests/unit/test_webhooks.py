"""One request of a webhook: where it connects to, what it says, and when it gives up."""

import base64
import http.client
import socket
import ssl
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from lib.egress import Egress, Refused
from lib.signing import secrets_of
from lib.webhooks import Answer, post
from tests.receivers import KEY, SECRET, Receiver, receiver, status
from tests.unit.test_egress import PUBLIC, resolve_to

LOOPBACK = Egress(["127.0.0.1/32"])


def send(url: str, timeout: float = 5.0, egress: Egress = LOOPBACK, secret: str = SECRET) -> Answer:
    return post(egress, url, "job_x_0_1", b'{"data":{"id":"x"}}', secrets_of(secret), timeout)


def test_what_is_sent_is_signed_by_every_key(there: Receiver) -> None:
    other = b"another key of thirty-two bytes!"
    secret = f"whsec_{base64.b64encode(other).decode()} {SECRET}"
    assert send(f"{there.url}/a?b=c", secret=secret) == Answer(204, None)
    (got,) = there.received
    assert (got.path, got.body, got.id) == ("/a?b=c", b'{"data":{"id":"x"}}', "job_x_0_1")
    assert got.is_signed(other)
    assert got.is_signed(KEY)
    assert not got.is_signed(b"a third key of thirty-two bytes!")
    assert len(got.headers["webhook-signature"].split()) == 2
    assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 10
    assert got.headers["host"] == there.url.removeprefix("http://")


def test_a_redirect_is_not_followed(there: Receiver) -> None:
    with receiver() as other:
        there.answer = status(302, Location=other.url)
        assert send(there.url).status == 302
        assert other.received == []


def test_proxies_of_the_environment_are_not_used(there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert send(there.url).status == 204
        assert proxy.received == []


def test_the_connection_goes_to_the_address_that_was_looked_at(there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public at the look and private a moment later: the second answer is never asked for."""
    looks: list[str] = []
    connected: list[Any] = []
    answers = [PUBLIC, "127.0.0.1", "127.0.0.1"]

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        looks.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers[len(looks) - 1], port))]

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(ConnectionRefusedError):
        send("http://rebinding.example.org:8080/", egress=Egress())
    assert (looks, connected) == (["rebinding.example.org"], [(PUBLIC, 8080)])


def test_a_name_that_is_private_by_now_is_not_connected_to(there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.1")
    with pytest.raises(Refused):
        send(there.url.replace("127.0.0.1", "hooks.example.org"), egress=Egress())
    assert there.received == []


def drip(handler: BaseHTTPRequestHandler, number: int) -> None:
    """A head that never ends: a byte now and then, each in time for itself."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(200):
        handler.wfile.write(b"a")
        time.sleep(0.05)


def flood(handler: BaseHTTPRequestHandler, number: int) -> None:
    """Headers without an end, as fast as they can be taken."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    try:
        while True:
            handler.wfile.write(b"X: " + b"a" * 1000 + b"\r\n")
    except OSError:
        pass


def stream(handler: BaseHTTPRequestHandler, number: int) -> None:
    """A body without an end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        while True:
            handler.wfile.write(b"4\r\naaaa\r\n")
    except OSError:
        pass


def silent(handler: BaseHTTPRequestHandler, number: int) -> None:
    time.sleep(3)


@pytest.mark.parametrize("answer", [drip, silent])
def test_one_limit_of_time_holds_for_all_of_it(there: Receiver, answer: Any) -> None:
    there.answer = answer
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        send(there.url, timeout=0.5)
    assert time.monotonic() - began < 2.5


def test_a_head_without_an_end_is_given_up_and_a_body_without_one_is_not_read(there: Receiver) -> None:
    there.answer = flood
    with pytest.raises(http.client.HTTPException, match="no end"):
        send(there.url)
    there.answer = stream
    assert send(there.url).status == 200


def test_what_is_not_http_is_an_error_and_an_interim_answer_is_none(there: Receiver) -> None:
    there.answer = lambda handler, number: handler.wfile.write(b"220 smtp.example.org ESMTP\r\n")  # type: ignore[assignment]
    with pytest.raises(http.client.HTTPException):
        send(there.url)
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    there.answer = lambda handler, number: handler.wfile.write(interim)  # type: ignore[assignment]
    assert send(there.url) == Answer(202, "7")


@pytest.mark.parametrize(
    ("name", "trusted", "good"), [("hooks.test", True, True), ("other.test", True, False), ("hooks.test", False, False)]
)
def test_tls_asks_for_the_certificate_of_the_name_at_the_address_that_was_looked_at(
    name: str, trusted: bool, good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.test").configure_cert(context)

    class Guarded(ThreadingHTTPServer):
        def get_request(self) -> Any:
            connection, address = super().get_request()
            return context.wrap_socket(connection, server_side=True), address

        def handle_error(self, *_: Any) -> None:
            pass

    (trustme.CA() if not trusted else authority).cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with receiver(Guarded) as there:
        resolve_to(monkeypatch, "127.0.0.1")
        url = there.url.replace("http://127.0.0.1", f"https://{name}")
        if good:
            assert send(url).status == 204
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                send(url)
        assert len(there.received) == good
