"""The pod's deletion cost against a small HTTP server in the place of Kubernetes."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lib.cluster_api import ClusterApi
from services.worker.deletion_cost import ANNOTATION, DeletionCost
from tests.listening import in_thread
from tests.waiting import until


class FakeCluster(ThreadingHTTPServer):
    """Remembers every request; answers with `status`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str, str]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), FakeHandler)


class FakeHandler(BaseHTTPRequestHandler):
    server: FakeCluster

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        cost = body["metadata"]["annotations"][ANNOTATION]
        self.server.requests.append((self.path, self.headers["Authorization"], self.headers["Content-Type"], cost))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """The tests look at the requests."""


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with in_thread(server := FakeCluster()):
        yield server


@pytest.fixture
def cost(cluster: FakeCluster, tmp_path: Path) -> DeletionCost:
    (tmp_path / "token").write_text("first\n")
    return DeletionCost(api_of(cluster, tmp_path), "pod-1", every=0.02)


def api_of(cluster: FakeCluster, account: Path) -> ClusterApi:
    return ClusterApi("jobs", f"http://127.0.0.1:{cluster.server_port}", account)


def test_a_change_after_a_quiet_time_is_written_soon(cluster: FakeCluster, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first\n")
    jobs = 1
    DeletionCost(api_of(cluster, tmp_path), "pod-1", every=3600).start(lambda: jobs)
    until(lambda: [cost for *_, cost in cluster.requests] == ["1"], 5, "the first write, at once")


def test_only_changes_are_written_and_a_rotated_token_is_used(cluster: FakeCluster, cost: DeletionCost, tmp_path: Path) -> None:
    jobs = 0
    asked = 0

    def running() -> int:
        nonlocal asked
        asked += 1
        return jobs

    cost.start(running)
    until(lambda: asked > 5, 10, "five looks")
    assert cluster.requests == []  # a pod without the annotation counts as 0
    jobs = 2
    until(lambda: cluster.requests, 10, "a request")
    before = asked
    until(lambda: asked > before + 5, 10, "five more looks")
    (tmp_path / "token").write_text("second\n")
    jobs = 0
    until(lambda: len(cluster.requests) == 2, 10, "a second request")
    path = "/api/v1/namespaces/jobs/pods/pod-1"
    assert cluster.requests == [
        (path, "Bearer first", "application/merge-patch+json", "2"),
        (path, "Bearer second", "application/merge-patch+json", "0"),
    ]


def test_a_refused_write_is_warned_of_once_and_tried_again(
    cluster: FakeCluster, cost: DeletionCost, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.status = 403
    cost.start(lambda: 1)
    until(lambda: len(cluster.requests) > 3, 10, "tries")
    warnings = [record.message for record in caplog.records]
    assert len(warnings) == 1
    assert "403" in warnings[0]
    cluster.status = 200
    until(lambda: cost._written == 1, 10, "the write")
    assert cluster.requests[-1][3] == "1"
