"""What no honest client says, on bare sockets to the real gunicorn: each is answered once, or hung up on, and the rest is served.

Never a 500, and never two answers where one request was meant (smuggling).
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import requests
import yaml

from tests.api.crowd import PROMISED, Api, Client, Probe, gunicorn
from tests.api.hostile import BODIES, BODY, HEADS, get, post
from tests.servers import Server
from tests.tokens import line
from tests.waiting import until
from tests.workers import ROOT

MIB = 2**20
REFUSED = {400, 404, 405, 411, 413, 414, 415, 417, 422, 431, 501, 505}


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
