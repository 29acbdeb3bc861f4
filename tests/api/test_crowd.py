"""A crowd at the real gunicorn: hundreds of streams wanted at once, clients that do not read, that leave, that say nothing.

Whatever they do, the rest is answered within a second, and SIGTERM ends all of it.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import service
from tests.api.crowd import CROWD, PLACES, PROCESSES, Api, Client, Slowest, gunicorn, streams
from tests.servers import Server
from tests.waiting import until

BODY = b'{"operation": "unique_issues"}'
HEAD = b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(BODY)
HALF = HEAD + BODY[:1]


@pytest.fixture(scope="module")
def api(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with gunicorn(server, tmp_path_factory.mktemp("crowd")) as made:
        yield made


def test_five_hundred_clients_want_streams_and_the_rest_is_answered_within_a_second(api: Api) -> None:
    with ExitStack() as stack, Slowest(api) as slowest:
        crowd = [stack.enter_context(Client(api)) for _ in range(CROWD)]
        until(lambda: all(each.status for each in crowd), 30, "an answer for everybody")
        slowest.look()
    answers = [each.status for each in crowd]
    assert set(answers) == {200, 503}
    assert 1 <= answers.count(200) <= PLACES
    refused = next(each for each in crowd if each.status == 503)
    assert b"/problems/too-many-streams" in refused.received
    assert b"Retry-After: " in refused.received


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        (b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (b"GET /healthz HT", b"TP/1.1\r\nHost: localhost\r\n\r\n"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", b"\r\n"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea", b""),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + HALF, b""),
        (HALF, BODY[1:]),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b""),
    ],
    ids=["nothing", "half a line", "half a head", "one request and a half", "one and half a body", "half a body", "no goodbye"],
)
def test_clients_that_do_not_finish_what_they_say_hold_up_nobody(api: Api, said: bytes, rest: bytes) -> None:
    with ExitStack() as stack, Slowest(api) as slowest:
        crowd = [stack.enter_context(Client(api, say=said)) for _ in range(CROWD)]
        slowest.look()
        if rest:
            crowd[0].socket.sendall(rest)
        until(lambda: crowd[0].read().endswith(b"}\n"), 5, "an answer to the one that does")


def test_refused_clients_that_keep_their_bodies_hold_up_nobody_for_long(api: Api) -> None:
    request = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n"
    with ExitStack() as stack:
        crowd = [stack.enter_context(Client(api, say=request)) for _ in range(100)]
        until(lambda: all(each.status == 404 for each in crowd), 20, "an answer for everybody")


def test_a_hundred_clients_that_trickle_their_bodies_hold_up_nobody(api: Api) -> None:
    with ExitStack() as stack, Slowest(api) as slowest:
        crowd = [stack.enter_context(Client(api, say=HEAD)) for _ in range(100)]
        for at in range(len(BODY) - 1):
            for each in crowd:
                each.socket.send(BODY[at : at + 1])
            slowest.look(5)
        assert not any(each.status for each in crowd)
        for each in crowd:
            each.socket.send(BODY[-1:])
        until(lambda: all(each.status == 202 for each in crowd), 20, "an answer to all, once they have said it all")


@pytest.mark.parametrize(
    ("begun", "status"),
    [(b"GET /", 414), (b"GET /healthz?", 414), (b"\r\nGET /", 414), (b"GET / HTTP/1.1\r\nX-More: ", 431)],
    ids=["line", "query", "line after an empty one", "head"],
)
@pytest.mark.parametrize("length", [9_000, 16_300, 20_000])  # of the second, the first 16 KiB hold the line and half a header
def test_a_head_that_is_too_long_is_refused(api: Api, begun: bytes, status: int, length: int) -> None:
    end = f" HTTP/1.1\r\nHost: localhost\r\nX-More: {'y' * 200}\r\n\r\n".encode() if status == 414 else b"\r\n\r\n"
    with Client(api, say=begun + b"x" * length + end) as client:
        assert until(lambda: client.status, 5, "an answer") == status
        until(lambda: client.over, 5, "the end of the connection")
    assert b"\r\nContent-Type: application/problem+json\r\n" in client.received
    assert (b"/problems/address-too-long" if status == 414 else b"/problems/head-too-large") in client.received


def test_a_body_that_does_not_come_is_refused_in_the_end(server: Server, tmp_path: Path) -> None:
    with gunicorn(server, tmp_path, app="tests.api.brief:create_app()") as api, Client(api, say=HALF) as client:
        assert until(lambda: client.status, 10, "an answer") == 408
        assert b"/problems/too-slow" in client.received
        until(lambda: client.over, 5, "the end of the connection")


def test_a_client_that_leaves_frees_its_place(api: Api) -> None:
    for _ in range(3):
        with ExitStack() as stack:
            streams(api, stack, PLACES)


@pytest.mark.slow
def test_clients_that_do_not_read_cost_no_memory_and_lose_their_places(api: Api) -> None:
    with ExitStack() as stack:
        streams(api, stack, PLACES)  # as many only fit once each process is there
    before = sum(child.memory_info().rss for child in api.process.children())
    with ExitStack() as stack:
        streams(api, stack, PLACES, buffer=4_096)
        _flood(api, 40_000)
        grown = sum(child.memory_info().rss for child in api.process.children()) - before
        assert grown < 60 * 2**20, grown
        with Slowest(api) as slowest:
            slowest.look()
        with ExitStack() as others:
            streams(api, others, PLACES)


def _flood(api: Api, count: int) -> None:
    """Events as scripts write them."""
    key = f"{api.settings.key_prefix}events"
    for _ in range(count // 1_000):
        pipeline = api.queue.store.records.pipeline(transaction=False)
        for number in range(1_000):
            fields = {"id": f"flood-{number}", "status": "submitted", "attempt": 0, "token": "secret", "reason": ""}
            pipeline.xadd(key, fields, maxlen=50_000)  # type: ignore[arg-type]
        pipeline.execute()
        time.sleep(0.02)


def test_sigterm_ends_streams_and_waits_within_two_seconds(server: Server, tmp_path: Path) -> None:
    with gunicorn(server, tmp_path) as api, ExitStack() as stack:
        jid = api.submit()
        found = streams(api, stack, 1) + streams(api, stack, 1, f"/jobs/{jid}/events")
        streams(api, stack, 1, buffer=4_096)
        _flood(api, 20_000)
        waiting = stack.enter_context(Client(api, say=f"GET /jobs/{jid} HTTP/1.1\r\nPrefer: wait=60\r\n\r\n".encode()))
        stack.enter_context(Client(api, say=b"GET"))
        time.sleep(0.5)
        assert waiting.status == 0
        api.process.send_signal(signal.SIGTERM)
        until(lambda: all(each.over for each in found) and waiting.status == 200, 2, "the end of all streams and waits")
        until(lambda: api.log.read_bytes().count(b"Worker exiting") == PROCESSES, 5, "the end of both processes")
        assert b"Traceback" not in api.log.read_bytes()


def test_streams_outlive_a_restart_of_redis_and_say_what_it_has_lost(tmp_path: Path) -> None:
    with Server(tmp_path / "redis", appendfsync="always") as own, gunicorn(own, tmp_path) as api, ExitStack() as stack:
        first = api.submit()
        found = streams(api, stack, 3)
        one = streams(api, stack, 1, f"/jobs/{first}/events")[0]
        jids = [api.submit()]
        own.kill()
        until(lambda: not service.ready(api.url), 10, "the outage")
        own.start()
        jids.append(until(lambda: _or_none(api.submit), 20, "a submit"))
        until(lambda: all(each.seen() == jids for each in found), 10, "every event, once")
        api.end_next()
        until(lambda: one.over, 10, "the end of the job")
        assert all(b"event: reset" not in each.received for each in [*found, one])
        own.kill()
        for path in (tmp_path / "redis").glob("appendonlydir/*.aof"):
            path.write_bytes(b"")
        own.start()
        until(lambda: all(b"event: reset" in each.read() and each.over for each in found), 15, "the reset")


def _or_none(action: Callable[[], str]) -> str | None:
    try:
        return action()
    except AssertionError:
        return None
