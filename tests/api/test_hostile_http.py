"""What no honest client says, on bare sockets to the real gunicorn: each is answered once, or hung up on, and the rest is served.

Never a 500, and never two answers where one request was meant (smuggling).
"""

import gzip
import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import requests
import yaml

from tests.api.crowd import PROMISED, Api, Client, Probe, gunicorn
from tests.servers import Server
from tests.tokens import line
from tests.waiting import until
from tests.workers import ROOT

MIB = 2**20
BODY = b'{"operation": "unique_issues"}'


def post(body: bytes, *headers: str, path: str = "/jobs") -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(target: bytes, *headers: bytes, version: bytes = b"HTTP/1.1", method: bytes = b"GET") -> bytes:
    return b"\r\n".join([method + b" " + target + b" " + version, b"Host: localhost", *headers]) + b"\r\n\r\n"


def chunked(chunks: bytes, *headers: bytes) -> bytes:
    return get(b"/jobs", b"Content-Type: application/json", b"Transfer-Encoding: chunked", *headers, method=b"POST") + chunks


REFUSED = {400, 404, 405, 411, 413, 414, 415, 417, 422, 431, 501, 505}
DEEP = b"[" * 100_000 + b"]" * 100_000
CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
BODIES = {
    "deep arrays": post(DEEP),
    "deep parameters": post(b'{"operation": "unique_issues", "params": {"x": ' + DEEP + b"}}"),
    "deep objects": post(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a number of a million digits": post(b'{"operation": "unique_issues", "timeout": ' + b"9" * 1_000_000 + b"}"),
    "an exponent": post(b'{"operation": "unique_issues", "timeout": 1e999999}'),
    "NaN": post(b'{"operation": "unique_issues", "timeout": NaN}'),
    "Infinity": post(b'{"operation": "unique_issues", "run_in": -Infinity}'),
    "half a surrogate": post(b'{"operation": "unique_issues", "id": "\\ud800"}'),
    "bytes of a surrogate": post(b'{"operation": "unique_issues", "id": "\xed\xa0\x80"}'),
    "no UTF-8": post(b'{"operation": "\xff\xfe"}'),
    "UTF-16": post(BODY.decode().encode("utf-16")),
    "another charset": post(BODY.decode().encode("utf-32"), "Content-Type: application/json; charset=utf-32"),
    "zero bytes": post(b"\x00" * 1000),
    "random bytes": post(bytes(range(256)) * 50),
    "a text": post(b'"text"'),
    "nothing": post(b""),
    "blanks": post(b" " * 10_000),
    "a million keys": post(b"{" + b",".join(b'"k%d":1' % n for n in range(100_000)) + b"}"),
    "a long key": post(b'{"' + b"k" * 1_000_000 + b'": 1}'),
    "a gzip bomb": post(gzip.compress(b" " * 50_000_000), "Content-Encoding: gzip"),
    "deflate": post(BODY, "Content-Encoding: deflate"),
    "a coding nobody knows": post(BODY, "Content-Encoding: br, gzip"),
    "form": post(b"a=b&" * 1000, "Content-Type: application/x-www-form-urlencoded"),
    "multipart without an end": post(b"--x\r\n" * 10_000, "Content-Type: multipart/form-data; boundary=x"),
    "expectations": post(BODY, "Expect: 200-maybe"),
    "too long": post(b" " * 3_000_000),
}
HEADS = {
    "both lengths": get(b"/jobs", b"Content-Length: 4", b"Transfer-Encoding: chunked", method=b"POST")
    + b"0\r\n\r\n"
    + get(b"/gone"),
    "two lengths": get(b"/jobs", b"Content-Length: 4", b"Content-Length: 5", method=b"POST") + b"12345",
    "a list of lengths": get(b"/jobs", b"Content-Length: 4, 4", method=b"POST") + b"1234",
    "a negative length": get(b"/jobs", b"Content-Length: -1", method=b"POST"),
    "a signed length": get(b"/jobs", b"Content-Length: +4", method=b"POST") + b"1234",
    "a length in hex": get(b"/jobs", b"Content-Length: 0x4", method=b"POST") + b"1234",
    "a length beyond all": get(b"/jobs", b"Content-Length: " + b"9" * 40, method=b"POST"),
    "chunked twice": get(b"/jobs", b"Transfer-Encoding: chunked, chunked", method=b"POST") + CHUNK,
    "chunked and not last": get(b"/jobs", b"Transfer-Encoding: chunked, identity", method=b"POST") + CHUNK,
    "chunked behind a tab": get(b"/jobs", b"Transfer-Encoding:\x0bchunked", method=b"POST") + CHUNK,
    "a coding of transfer": get(b"/jobs", b"Transfer-Encoding: xchunked", method=b"POST") + CHUNK,
    "blank before the colon": get(b"/jobs", b"Transfer-Encoding : chunked", method=b"POST") + CHUNK,
    "chunk of no size": chunked(b"\r\n\r\n"),
    "chunk of a size in words": chunked(b"zz\r\n12\r\n0\r\n\r\n"),
    "chunk of a negative size": chunked(b"-1\r\n12\r\n0\r\n\r\n"),
    "chunk of a size in hex": chunked(b"0x2\r\n12\r\n0\r\n\r\n"),
    "chunk with an underscore": chunked(b"1_0\r\n1234567890123456\r\n0\r\n\r\n"),
    "chunk that is longer": chunked(b"2\r\n12345\r\n0\r\n\r\n"),
    "chunk of a huge size": chunked(b"f" * 40 + b"\r\n12"),
    "a chunk's endless extension": chunked(b"1;" + b"x" * 200_000 + b"\r\n1\r\n0\r\n\r\n"),
    "endless trailers": chunked(b"0\r\n" + b"x: y\r\n" * 50_000 + b"\r\n"),
    "a folded header": get(b"/healthz", b"X: a\r\n b"),
    "a folded length": get(b"/jobs", b"Content-Length:\r\n 4", method=b"POST") + b"1234",
    "zero byte in a header": get(b"/healthz", b"X: a\x00b"),
    "controls in a header": get(b"/healthz", b"X: a\x01\x1b[31mb"),
    "carriage return in a header": get(b"/healthz", b"X: a\rY: b"),
    "a header without a name": get(b"/healthz", b": x"),
    "a header without a colon": get(b"/healthz", b"nonsense"),
    "a header of odd letters": get(b"/healthz", b"X\xff: x"),
    "a header of 70 kB": get(b"/healthz", b"X: " + b"a" * 70_000),
    "two thousand headers": get(b"/healthz", *(b"X-%d: a" % n for n in range(2_000))),
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": get(b"/healthz", b"Host: y"),
    "a host of rubbish": b'GET /healthz HTTP/1.1\r\nHost: a b"<>/\r\n\r\n',
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: localhost\n\n",
    "no version": b"GET /healthz\r\n\r\n",
    "version 2": get(b"/healthz", version=b"HTTP/2.0"),
    "version 9": get(b"/healthz", version=b"HTTP/9.9"),
    "version of words": get(b"/healthz", version=b"HTTP/x.y"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)) + b"\r\n\r\n",
    "random": bytes(range(256)) * 4 + b"\r\n\r\n",
    "a zero byte in the path": get(b"/jobs/\x00"),
    "controls in the path": get(b"/jobs/\x1b[31m"),
    "a path of 100 kB": get(b"/" + b"a" * 100_000),
    "a query of 100 kB": get(b"/jobs?search=" + b"a" * 100_000),
    "no path": b"GET  HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a path without a slash": get(b"healthz"),
    "absolute form": get(b"http://evil.example/healthz"),
    "absolute form of another scheme": get(b"gopher://evil.example/healthz"),
    "authority form": get(b"evil.example:443", method=b"CONNECT"),
    "an asterisk": get(b"*", method=b"OPTIONS"),
    "TRACE": get(b"/healthz", b"Cookie: secret=1", method=b"TRACE"),
    "a method nobody knows": get(b"/jobs", method=b"BREW"),
    "a method in small letters": get(b"/healthz", method=b"get"),
    "a method of rubbish": get(b"/healthz", method=b"G\x00T"),
    "a method of 10 kB": get(b"/healthz", method=b"G" * 10_000),
    "up": get(b"/jobs/../../../etc/passwd"),
    "up, encoded": get(b"/jobs/%2e%2e/%2e%2e/etc/passwd"),
    "up, encoded twice": get(b"/static/%252e%252e%252fapp.py"),
    "up in static files": get(b"/static/..%2f..%2fapp.py"),
    "up with backslashes": get(b"/static/..\\..\\app.py"),
    "an encoded zero byte": get(b"/jobs/a%00b"),
    "an encoded slash": get(b"/jobs/a%2fb"),
    "bytes that are no UTF-8": get(b"/jobs/%ff%fe"),
    "broken percents": get(b"/jobs/%zz%"),
    "two slashes": get(b"//evil.example/jobs"),
    "an odd range": get(b"/data/export", b"Range: bytes=-1--5,9-1"),
    "an odd Accept": get(b"/jobs", b"Accept: " + b"a/b;q=0.1," * 500),
    "an odd ETag": get(b"/openapi.json", b"If-None-Match: " + b'W/"' * 1_000),
    "an odd date": get(b"/openapi.json", b"If-Modified-Since: yesterday"),
    "an odd traceparent": get(b"/jobs", b"traceparent: " + b"0" * 5_000),
    "an odd Last-Event-ID": get(b"/jobs/x/events", b"Last-Event-ID: " + b"9" * 400),
    "an odd Authorization": get(b"/jobs", b"Authorization: Bearer \xff\xfe"),
    "odd cookies": get(b"/ui", b"Cookie: " + b"=;" * 3_000),
    "an odd forwarded address": get(b"/ui", b"X-Forwarded-For: " + b"x" * 2_000, b"X-Forwarded-Prefix: //evil.example"),
    "an upgrade": get(b"/healthz", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: x"),
    "an upgrade to HTTP/2": get(b"/healthz", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAAA"),
}


@pytest.fixture(scope="module")
def api(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with gunicorn(server, tmp_path_factory.mktemp("hostile"), max_body_bytes=2 * MIB) as made:
        yield made


def statuses(client: Client) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", client.read())]


def answered(api: Api, stack: ExitStack, said: bytes) -> Client:
    """Say it, and no more; wait for an answer, or the end of the connection."""
    client = stack.enter_context(Client(api, say=b""))
    client.socket.settimeout(20)
    with suppress(OSError):  # it may be hung up on before it has said all
        client.socket.sendall(said)
    client.socket.setblocking(False)
    until(lambda: client.status or client.closed, 30, f"an answer to {said[:80]!r}")
    return client


def memory(api: Api) -> float:
    """What all processes of it have for themselves, in MiB."""
    family = [api.process, *api.process.children(recursive=True)]
    return float(sum(each.memory_full_info().pss for each in family) / MIB)


def memory_of_the_chart() -> float:
    """What a pod of the API is promised, in MiB."""
    values = yaml.safe_load((ROOT / "charts/trafficjobs/values.yaml").read_text())
    return float(values["api"]["resources"]["requests"]["memory"].removesuffix("Mi"))


@pytest.mark.slow
@pytest.mark.once
def test_whatever_heads_and_bodies_say_each_is_answered_once_and_the_rest_is_served(api: Api) -> None:
    for _ in range(2):
        requests.post(f"{api.url}/jobs", data=BODY, timeout=10)
    wrong: dict[str, list[int]] = {}
    with Probe(api.url, ["/healthz"], every=0.05, timeout=5 * PROMISED) as probe:
        for name, said in (HEADS | BODIES).items():
            with ExitStack() as stack:
                client = answered(api, stack, said)
                found = statuses(client)
                if any(status >= 500 and status not in REFUSED for status in found) or len(found) > 1:
                    wrong[name] = found
    assert not wrong
    assert {status for status, _ in probe.answers} == {200}, probe.answers
    assert len(probe.answers) > 10
    assert memory(api) < memory_of_the_chart()
    assert b"Traceback" not in api.log.read_bytes()


@pytest.mark.parametrize(
    "name", ["deep arrays", "a number of a million digits", "NaN", "half a surrogate", "no UTF-8", "a gzip bomb", "too long"]
)
def test_a_body_that_cannot_be_read_is_refused_with_its_reason(api: Api, name: str) -> None:
    with ExitStack() as stack:
        client = answered(api, stack, BODIES[name])
        assert client.status in (400, 413, 415, 422), client.received[:300]
        until(lambda: client.closed or client.received.rstrip().endswith(b"}"), 10, "the whole answer")
        client.read()
        problem = json.loads(client.received.partition(b"\r\n\r\n")[2])
        assert problem["type"].startswith("/problems/") or "/problems/" in problem["type"]
        assert problem["detail"]


def test_requests_in_a_row_are_answered_in_their_order(api: Api) -> None:
    with ExitStack() as stack:
        client = answered(api, stack, get(b"/healthz") + get(b"/nowhere") + post(BODY) + get(b"/healthz"))
        until(lambda: len(statuses(client)) == 4, 20, "four answers")
        assert statuses(client) == [200, 404, 202, 200]


def test_a_request_hidden_in_a_body_is_never_answered(api: Api) -> None:
    hidden = get(b"/healthz", b"X-Hidden: 1")
    for smuggled in (
        get(b"/jobs", b"Content-Length: %d" % len(hidden), b"Transfer-Encoding: chunked", method=b"POST") + b"0\r\n\r\n" + hidden,
        get(b"/jobs", b"Content-Length: 0", b"Content-Length: %d" % len(hidden), method=b"POST") + hidden,
        get(b"/jobs", b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", method=b"POST") + b"0\r\n\r\n" + hidden,
        get(b"/jobs", b"Transfer-Encoding:\x0bchunked", b"Content-Length: 5", method=b"POST") + b"0\r\n\r\n" + hidden,
    ):
        with ExitStack() as stack:
            client = answered(api, stack, smuggled)
            until(lambda client=client: client.closed, 20, f"the end of {smuggled[:120]!r}")  # type: ignore[misc]
            assert 200 not in statuses(client), client.received


def test_no_header_of_a_client_comes_back_in_the_head_of_an_answer(api: Api) -> None:
    for path in (
        "/jobs/%0d%0aX-Evil:1",
        "/jobs?cursor=%0d%0aX-Evil:1",
        "/ui/sign-in?next=%0d%0aX-Evil:1",
        "//evil.example/%0d%0aX-Evil:1",
    ):
        answer = requests.get(api.url + path, headers={"X-Request-ID": "a b<>"}, timeout=10, allow_redirects=False)
        assert "X-Evil" not in answer.headers
        assert answer.status_code < 500
        assert "evil.example" not in answer.headers.get("Location", "")


TRICKLES = {
    "a body before signing in": get(b"/jobs", b"Transfer-Encoding: chunked", method=b"POST") + b"fff\r\n",
    "a long body before signing in": get(b"/jobs", b"Content-Length: 5000000", method=b"POST"),
    "a body that nobody wants": get(b"/docs", b"Transfer-Encoding: chunked") + b"fff\r\n",
    "a body of a probe": get(b"/healthz", b"Transfer-Encoding: chunked") + b"fff\r\n",
    "a form": get(
        b"/ui/sign-in",
        b"Cookie: trafficjobs_session=" + b"a" * 43,
        b"Content-Type: application/x-www-form-urlencoded",
        b"Transfer-Encoding: chunked",
        method=b"POST",
    )
    + b"fff\r\n",
}


@pytest.fixture(scope="module")
def guarded(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One process of two threads, where one must sign in."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "tokens").write_text(line("one", "admin", "secret"))
    with gunicorn(server, folder, tokens_file=folder / "tokens", api_workers=1, api_threads=2) as made:
        yield made


@contextmanager
def trickling(api: Api, head: bytes, clients: int) -> Iterator[list[Client]]:
    """Clients that send a byte of their body five times a second."""
    with ExitStack() as stack:
        slow = [stack.enter_context(Client(api, say=head)) for _ in range(clients)]
        over = threading.Event()

        def trickle() -> None:
            while not over.wait(0.2):
                for client in slow:
                    with suppress(OSError):
                        client.socket.send(b"a")

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            yield slow
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize("name", TRICKLES)
def test_a_body_that_comes_byte_by_byte_and_that_nobody_reads_holds_no_thread(guarded: Api, name: str) -> None:
    with trickling(guarded, TRICKLES[name], 8) as slow:
        until(lambda: all(client.status or client.closed for client in slow), 10, "their answers")
        for path in ("/openapi.json", "/healthz"):
            assert requests.get(guarded.url + path, timeout=5 * PROMISED).status_code == 200
    assert {client.status for client in slow} <= {200, 401, 411}


@pytest.mark.slow
def test_a_thread_that_reads_a_body_byte_by_byte_gives_up(guarded: Api) -> None:
    head = get(b"/jobs", b"Authorization: Bearer secret", b"Transfer-Encoding: chunked", method=b"POST") + b"fff\r\n"
    with trickling(guarded, head, 2) as slow:
        until(lambda: all(client.closed for client in slow), 5 * 10, "their ends")
    assert [client.status for client in slow] == [400, 400]
    assert requests.get(f"{guarded.url}/openapi.json", timeout=5 * PROMISED).status_code == 200
