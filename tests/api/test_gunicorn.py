"""The API as it is deployed: under gunicorn, on a real socket, with what only a real server shows."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psutil
import pytest
import requests

from lib.settings import Settings, load_settings
from tests.servers import Server
from tests.service import api, ready, serving
from tests.waiting import until
from tests.workers import handles_sigterm

LIMIT = 64 * 1024  # bytes of a body


@pytest.fixture(scope="module")
def deployed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, psutil.Process, Path]]:
    """URL, parent process and log of a gunicorn that runs without HOME."""
    folder = tmp_path_factory.mktemp("gunicorn")
    prefix = f"gunicorn{os.getpid()}:"
    settings = load_settings(redis_ip="127.0.0.1", redis_port=server.port, key_prefix=prefix, data_cache=folder / "cache")
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patched:
            patched.delenv("HOME", raising=False)
            api = stack.enter_context(serving(settings, folder, api_workers=2, max_body_bytes=LIMIT))
        yield api.url, psutil.Process(api.process.pid), api.log


def exchange(url: str, request: bytes) -> bytes:
    """Send bytes, say that no more will come, and read the whole answer."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_curl_submits_without_a_content_type(deployed: tuple[str, psutil.Process, Path]) -> None:
    url, _, _ = deployed
    command = ["curl", "-s", "-w", " %{http_code}", f"{url}/submit", "-d", '{"date": "2023-01-01"}']
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("curl is not installed")
    assert answer.endswith(" 202")
    assert '"status":"submitted"' in answer


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT + 1, 10_000_000])
@pytest.mark.parametrize("chunked", [True, False])
def test_too_large_a_body_gets_its_answer_also_when_chunked(
    deployed: tuple[str, psutil.Process, Path], size: int, chunked: bool
) -> None:
    body = b'{"operation": "unique_issues"}'.ljust(size)
    pieces = (body[at : at + 8192] for at in range(0, size, 8192))
    answer = requests.post(f"{deployed[0]}/jobs", data=pieces if chunked else body, timeout=20)
    assert answer.status_code == (202 if size < LIMIT else 413)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /data HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\nhello",
        b"POST /data HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"POST /data HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{}",
    ],
    ids=["short", "no last chunk", "no chunk size", "short json"],
)
def test_a_body_that_breaks_off_is_a_400_and_queues_nothing(
    deployed: tuple[str, psutil.Process, Path], request_bytes: bytes
) -> None:
    before = requests.get(f"{deployed[0]}/get", timeout=20).text
    assert exchange(deployed[0], request_bytes).startswith(b"HTTP/1.1 400 ")
    assert requests.get(f"{deployed[0]}/get", timeout=20).text == before


def test_a_killed_worker_is_replaced(deployed: tuple[str, psutil.Process, Path]) -> None:
    url, parent, _ = deployed
    killed = {child.pid for child in parent.children()}
    assert len(killed) == 2
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len({child.pid for child in parent.children()} - killed) == 2, 20, "two new processes")
    until(lambda: ready(url), 20, "an answer of theirs")


def test_the_parent_forks_without_threads(deployed: tuple[str, psutil.Process, Path]) -> None:
    assert deployed[1].num_threads() == 1


def test_every_line_of_the_log_is_json(deployed: tuple[str, psutil.Process, Path]) -> None:
    import orjson

    requests.get(f"{deployed[0]}/queues", headers={"X-Request-ID": "in-the-log"}, timeout=30)
    lines = [orjson.loads(line) for line in deployed[2].read_bytes().splitlines()]
    assert any(line.get("request_id") == "in-the-log" and line["status"] == 200 for line in lines)
    assert any("Booting worker" in line["event"] for line in lines)


def test_processes_count_requests_together_and_the_counts_outlive_them(
    deployed: tuple[str, psutil.Process, Path],
) -> None:
    url, process, _ = deployed

    def counted() -> float:
        text = requests.get(f"{url}/metrics", timeout=30).text
        wanted = 'trafficjobs_http_requests_total{method="GET",route="/jobs",status="200"} '
        return float(next((line for line in text.splitlines() if line.startswith(wanted)), "0").split()[-1])

    def replaced(gone: int) -> bool:
        there = [each.pid for each in process.children()]
        return gone not in there and len(there) > 1 and ready(url)

    before = counted()
    for _ in range(20):  # each on a connection of its own, so that both processes answer some
        requests.get(f"{url}/jobs", timeout=30)
    assert {counted() for _ in range(10)} == {before + 20}
    children = process.children()
    assert len(children) > 1
    for child in children:
        child.kill()
        until(partial(replaced, child.pid), 20, "another process in its place")
        assert {counted() for _ in range(10)} == {before + 20}
    requests.get(f"{url}/jobs", timeout=30)
    assert counted() == before + 21


def test_an_api_that_is_told_to_go_while_it_starts_goes(settings: Settings, tmp_path: Path) -> None:
    """As PID 1 of a container it would never see a signal that it has no handler for yet."""
    made = api(settings, tmp_path)
    try:
        until(lambda: handles_sigterm(made.process.pid), 10, "a handler of SIGTERM")
        made.process.terminate()
        assert made.process.wait(10) == 0
        assert made.log.read_text() == ""  # it is not further than its imports
    finally:
        made.process.kill()
