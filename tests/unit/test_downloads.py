"""Files from a URL, from a real server on a socket: whole ones come through, each way to fail has its words."""

import collections
import gzip
import socket
import ssl
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trustme

from lib.downloads import Download
from lib.errors import DownloadFailed, InvalidInput, TooLarge
from lib.sources import Sources
from tests.listening import talking
from tests.servers import free_port

MIB = 2**20
PUBLIC = "93.184.216.34"
Talk = Callable[[socket.socket, str], None]


@contextmanager
def site(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A site that says to each client what `talk` says; its address."""

    def converse(client: socket.socket) -> None:
        with tls.wrap_socket(client, server_side=True) if tls is not None else client as spoken:
            talk(spoken, spoken.recv(65536).decode().split(" ")[1])
            spoken.shutdown(socket.SHUT_WR)
            while spoken.recv(65536):
                pass

    with talking(converse) as port:
        yield f"http{'s' if tls else ''}://127.0.0.1:{port}"


def answer(body: bytes, *headers: str, status: str = "200 OK") -> Talk:
    lines = [f"HTTP/1.1 {status}", *(headers or [f"Content-Length: {len(body)}"])]
    return lambda client, _: client.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def opened(url: str, limit: int = 100 * MIB, path: str = "/a.csv") -> Download:
    return Download(Sources(["127.0.0.1:" + url.rpartition(":")[2]], ["127.0.0.0/8"]), url + path, limit)


def fetched(url: str, limit: int = 100 * MIB, path: str = "/a.csv") -> bytes:
    download = opened(url, limit, path)
    try:
        return b"".join(iter(lambda: download.read(1000), b""))
    finally:
        download.close()


@pytest.mark.parametrize(
    "talk",
    [
        answer(b"a,b\n" * 50_000),
        answer(b"30d40\r\n" + b"a,b\n" * 50_000 + b"\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
        answer(packed := gzip.compress(b"a,b\n" * 50_000), f"Content-Length: {len(packed)}", "Content-Encoding: gzip"),
        answer(
            two := gzip.compress(b"a,b\n" * 20_000) + gzip.compress(b"a,b\n" * 30_000),
            f"Content-Length: {len(two)}",
            "Content-Encoding: x-gzip",
        ),
    ],
    ids=["length", "chunks", "gzip", "two members"],
)
def test_a_whole_file_comes_through_as_it_is(talk: Talk) -> None:
    with site(talk) as url:
        assert fetched(url) == b"a,b\n" * 50_000


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        (answer(b"", status="404 Not Found"), "it answered 404 Not Found"),
        (answer(b"", status="503 Busy"), "it answered 503 Busy"),
        (answer(b"abc", "Content-Length: 10"), "cut off after 3 of 10 bytes"),
        (answer(b"ff\r\nabc", "Transfer-Encoding: chunked"), "cut off"),
        (answer(b"3\r\nabc\r\n", "Transfer-Encoding: chunked"), "cut off"),
        (answer(b"abc", "Connection: close"), "no Content-Length and no chunks"),
        (answer(packed[:40], "Content-Length: 40", "Content-Encoding: gzip"), "gzip was cut off"),
        (answer(b"x" * 40, "Content-Length: 40", "Content-Encoding: gzip"), "gzip is broken"),
        (answer(b"x", "Content-Length: 1", "Content-Encoding: br"), r"an encoding that was not asked for \(br\)"),
        (lambda client, _: client.sendall(b"SSH-2.0\r\n"), "BadStatusLine"),
        (lambda client, _: None, "RemoteDisconnected"),
        (lambda client, _: client.sendall(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200), "more than 100 headers"),
    ],
)
def test_each_way_to_fail_is_said_with_the_address(talk: Talk, words: str) -> None:
    with site(talk) as url, pytest.raises(DownloadFailed, match=f"{url}/a.csv cannot be loaded: .*{words}"):
        fetched(url)


def test_nobody_there_no_such_name_and_silence_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DownloadFailed, match="ConnectionRefusedError"):
        fetched(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(DownloadFailed, match="its name cannot be looked up"):
        Download(Sources(["none.invalid"], []), "https://none.invalid/a.csv", MIB)
    monkeypatch.setattr("lib.downloads.READ_TIMEOUT", 0.1)
    over = threading.Event()

    def silent(client: socket.socket, path: str) -> None:
        over.wait(20)

    with site(silent) as url:
        with pytest.raises(DownloadFailed, match="does not answer in time"):
            fetched(url)
        over.set()


def test_a_certificate_that_nobody_trusts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with site(answer(b"a,b\n"), context) as url:
        with pytest.raises(DownloadFailed, match=r"no secure connection .*self.signed certificate|unable to get local issuer"):
            fetched(url)
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
        monkeypatch.setattr("ssl.create_default_context", lambda: trusting)
        assert fetched(url) == b"a,b\n"


def test_redirects_are_followed_to_what_is_allowed_and_not_for_ever() -> None:
    def talk(client: socket.socket, path: str) -> None:
        target = {"/one": "/two", "/two": "three#part", "/away": "http://127.0.0.2/", "/login": "http://me:x@127.0.0.1/"}
        if path == "/three":
            answer(b"a,b\n")(client, path)
        else:
            answer(b"", f"Location: {target.get(path, path)}", "Content-Length: 0", status="302 Found")(client, path)

    with site(talk) as url:
        assert fetched(url, path="/one") == b"a,b\n"
        with pytest.raises(InvalidInput, match=r"http://127.0.0.2/ may not be fetched: DATA_URLS does not name it"):
            fetched(url, path="/away")
        with pytest.raises(InvalidInput, match="user name or password"):
            fetched(url, path="/login")
        with pytest.raises(DownloadFailed, match="leads to another address more than 5 times"):
            fetched(url, path="/round")


def test_a_name_that_stands_for_a_private_address_is_not_connected_to() -> None:
    with site(answer(b"a,b\n")) as url, pytest.raises(InvalidInput, match=r"not public; .* DATA_URLS_ALLOW"):
        Download(Sources([url], []), url + "/a.csv", MIB)


def test_a_name_is_looked_up_once_for_a_request_and_again_for_where_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that turns to a private address after the look changes nothing; at the next request it is refused."""
    looks: list[str] = []
    connected: list[tuple[str, int]] = []
    answers = [PUBLIC, "169.254.169.254"]

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        looks.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers[len(looks) - 1], port))]

    with site(answer(b"", "Location: /again", "Content-Length: 0", status="302 Found")) as url:
        port = int(url.rpartition(":")[2])

        def connect(address: tuple[str, int], timeout: float) -> socket.socket:
            connected.append(address)
            client = socket.socket()
            client.settimeout(timeout)
            client.connect(("127.0.0.1", port))  # which stands for the public one
            return client

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setattr(socket, "create_connection", connect)
        host = f"rebinding.example.org:{port}"
        with pytest.raises(InvalidInput, match=r"not public; .* DATA_URLS_ALLOW"):
            Download(Sources([host], []), f"http://{host}/a.csv", MIB)
    assert (looks, connected) == (["rebinding.example.org"] * 2, [(PUBLIC, port)])


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "//169.254.169.254/",
        "file:///etc/passwd",
        "ftp://site.example.org/a.csv",
        "gopher://site.example.org:6379/_FLUSHALL",
        "http://site.example.org:6379/",
        "http://site.example.org\\@169.254.169.254/",
        "http://site.example.org/%0d%0aHost:%20x/../..",
    ],
)
def test_a_redirect_leads_nowhere_that_a_url_may_not(target: str) -> None:
    """Also where the operator has named these hosts, as long as they are not allowed to be private."""
    named = ["169.254.169.254", "site.example.org"]
    with site(answer(b"", f"Location: {target}", "Content-Length: 0", status="302 Found")) as url:
        address = url.removeprefix("http://")
        with pytest.raises(InvalidInput):
            Download(Sources([address, *named], ["127.0.0.1/32"]), f"{url}/a.csv", MIB)


def test_a_redirect_to_what_is_no_address_is_a_failed_download() -> None:
    redirect = answer(b"", "Location: http://[", "Content-Length: 0", status="302 Found")
    with site(redirect) as url, pytest.raises(DownloadFailed, match="leads to an address that is none"):
        opened(url, MIB)


def test_what_is_too_large_is_refused_at_once_or_when_it_shows() -> None:
    with site(answer(b"", f"Content-Length: {2 * MIB}")) as url, pytest.raises(TooLarge, match=r"1\.0 MiB \(MAX_UPLOAD_BYTES\)"):
        opened(url, MIB)
    with site(answer(b"ffffffff\r\n" + bytes(2 * MIB), "Transfer-Encoding: chunked")) as url, pytest.raises(TooLarge):
        fetched(url, MIB)


def test_a_gzip_bomb_takes_no_memory_and_ends_at_the_limit() -> None:
    bomb = gzip.compress(bytes(200 * MIB))
    with site(answer(bomb, f"Content-Length: {len(bomb)}", "Content-Encoding: gzip")) as url:
        download = opened(url, 50 * MIB)
        tracemalloc.start()
        try:
            with pytest.raises(TooLarge):
                collections.deque(iter(lambda: download.read(MIB), b""), maxlen=0)
            assert tracemalloc.get_traced_memory()[1] < 8 * MIB
        finally:
            tracemalloc.stop()
            download.close()
