"""A process all of whose threads are held: a few requests wait, the others are refused at once, and probes are answered."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from tests.api.crowd import Api, Client, gunicorn
from tests.api.lines import MOST
from tests.servers import Server
from tests.waiting import until

THREADS = 2
BODY = b'{"operation": "unique_issues"}'
SUBMIT = b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
UPLOAD = b"POST /data HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
LONG = b"POST /data HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n" + 10_000 * b"x"


@contextmanager
def held(server: Server, folder: Path, app: str) -> Iterator[tuple[Api, ExitStack, list[Client]]]:
    """An API whose threads all read uploads that do not go on, and these."""
    with gunicorn(server, folder, app=app, api_workers=1, api_threads=THREADS) as api, ExitStack() as stack:
        uploads = [stack.enter_context(Client(api, say=UPLOAD)) for _ in range(THREADS)]
        assert requests.get(f"{api.url}/healthz", timeout=5).status_code == 200  # the threads have them by then
        yield api, stack, uploads


def test_as_many_as_may_wait_are_answered_in_the_end_and_the_others_hear_503_at_once(server: Server, tmp_path: Path) -> None:
    with held(server, tmp_path, "tests.api.lines:short()") as (api, stack, uploads):
        clients = [stack.enter_context(Client(api, say=SUBMIT)) for _ in range(THREADS * MOST + 50)]
        clients += [stack.enter_context(Client(api, say=LONG)) for _ in range(3)]
        until(lambda: sum(each.status == 503 for each in clients) >= 53, 10, "the refusals")
        refused = [each for each in clients if each.status == 503]
        until(lambda: all(each.over for each in refused), 5, "the end of their connections")
        assert all(b"/problems/too-busy" in each.received and b"\r\nRetry-After: " in each.received for each in refused)
        for path in ("/healthz", "/readyz", "/metrics"):
            assert requests.get(api.url + path, timeout=5).status_code == 200, path
        for each in uploads:
            each.socket.close()
        until(lambda: all(each.status for each in clients), 20, "an answer for everybody")
        answers = [each.status for each in clients]
        assert (answers.count(202), answers.count(503)) == (THREADS * MOST, 53)
        assert api.queue.store.records.zcard(f"{api.settings.key_prefix}jobs") == THREADS * MOST
        assert api.submit()
        until(lambda: b'"requests":53' in api.log.read_bytes() or api.log.read_bytes().count(b'"requests":') > 1, 5, "the log")


def test_nobody_waits_behind_one_that_has_waited_long(server: Server, tmp_path: Path) -> None:
    with held(server, tmp_path, "tests.api.lines:hasty()") as (api, stack, uploads):
        first = stack.enter_context(Client(api, say=SUBMIT))
        time.sleep(0.7)  # it is the time that it waits which is tested
        second = stack.enter_context(Client(api, say=SUBMIT))
        assert until(lambda: second.status, 5, "an answer") == 503
        for each in uploads:
            each.socket.close()
        assert until(lambda: first.status, 10, "an answer") == 202


@pytest.mark.parametrize("gone", [b"", b"POST /jo"], ids=["before it said anything", "in the midst of it"])
def test_clients_that_leave_a_full_line_cost_nothing(server: Server, tmp_path: Path, gone: bytes) -> None:
    with held(server, tmp_path, "tests.api.lines:short()") as (api, stack, _):
        waiting = [stack.enter_context(Client(api, say=SUBMIT)) for _ in range(THREADS * MOST)]
        refused = stack.enter_context(Client(api, say=SUBMIT))
        assert until(lambda: refused.status, 5, "an answer") == 503
        for _ in range(100):
            with Client(api, say=gone):
                pass
        assert requests.get(f"{api.url}/healthz", timeout=5).status_code == 200
        assert [each.status for each in waiting] == [0] * len(waiting), [each.received[:900] for each in waiting if each.received]
