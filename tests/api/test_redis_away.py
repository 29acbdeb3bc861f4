"""Redis away, frozen, full, or back again: 503 with Retry-After within seconds, threads stay free, and it recovers by itself."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGCONT, SIGSTOP

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.settings import load_settings
from services.api.app import create_app
from tests.api.conftest import CSV, backend_of, submit
from tests.servers import Server

NEEDS_REDIS = [
    ("POST", "/jobs", b'{"operation": "unique_issues"}'),
    ("POST", "/submit", b'{"date": "2023-01-01"}'),
    ("GET", "/jobs", b""),
    ("GET", "/jobs/abc", b""),
    ("DELETE", "/jobs/abc", b""),
    ("POST", "/jobs/abc/cancel", b""),
    ("POST", "/jobs/abc/retry", b""),
    ("GET", "/jobs/abc/results", b""),
    ("GET", "/jobs/abc/files", b""),
    ("GET", "/jobs/abc/log", b""),
    ("GET", "/status/abc", b""),
    ("GET", "/get/", b""),
    ("POST", "/data", CSV),
    ("GET", "/data", b""),
    ("GET", "/data/A_1", b""),
    ("GET", "/data/versions", b""),
    ("GET", "/unique_issues", b""),
    ("GET", "/queues", b""),
    ("POST", "/queues/job-queue/pause", b""),
    ("GET", "/workers", b""),
    ("GET", "/readyz", b""),
]
WITHOUT_REDIS = ["/healthz", "/", "/operations", "/templates", "/print?msg=x"]


@pytest.fixture
def app(own: Server, tmp_path: Path) -> Iterator[Flask]:
    made = create_app(load_settings(redis_ip="127.0.0.1", redis_port=own.port, data_cache=tmp_path / "cache"))
    yield made
    backend_of(made).jobs.close()


def assert_unavailable(client: FlaskClient, method: str, path: str, body: bytes, within: float) -> None:
    began = time.monotonic()
    answer = client.open(path, method=method, data=body)
    assert (answer.status_code, answer.get_json()["type"]) == (503, "/problems/store-unavailable"), (method, path)
    assert int(answer.headers["Retry-After"]) > 0
    assert time.monotonic() - began < within, (method, path)


def test_everything_that_needs_redis_answers_503_and_recovers_by_itself(own: Server, client: FlaskClient) -> None:
    jid = submit(client)
    own.kill()
    assert_unavailable(client, *NEEDS_REDIS[0], within=5)
    for method, path, body in NEEDS_REDIS:
        assert_unavailable(client, method, path, body, within=1)  # it is known by now
    for path in WITHOUT_REDIS:
        assert client.get(path).status_code == 200
    own.start()
    assert client.get(f"/jobs/{jid}").status_code == 200
    assert client.get("/readyz").status_code == 200
    submit(client)


def test_an_api_that_starts_before_redis_serves_as_soon_as_it_is_there(own: Server, client: FlaskClient) -> None:
    own.kill()
    assert_unavailable(client, "GET", "/readyz", b"", within=5)
    own.start()
    assert client.get("/readyz").status_code == 200


def test_a_short_absence_is_waited_out(own: Server, client: FlaskClient) -> None:
    submit(client)
    own.kill()
    restart = threading.Timer(0.5, own.start)
    restart.start()
    assert client.get("/jobs").status_code == 200
    restart.join()


def test_a_frozen_redis_holds_up_no_more_than_one_request_at_a_time(own: Server, app: Flask) -> None:
    submit(app.test_client())
    own.signal(SIGSTOP)
    try:
        assert_unavailable(app.test_client(), "GET", "/jobs", b"", within=8)
        seconds: list[float] = []

        def ask() -> None:
            began = time.monotonic()
            assert app.test_client().get("/unique_issues").status_code == 503
            seconds.append(time.monotonic() - began)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seconds) == 8
        assert sorted(seconds)[6] < 1
        assert max(seconds) < 8
    finally:
        own.signal(SIGCONT)
    assert app.test_client().get("/jobs").status_code == 200


def test_a_redis_that_refuses_writes_is_not_ready(own: Server, client: FlaskClient, app: Flask) -> None:
    records = backend_of(app).store.records
    records.config_set("min-replicas-to-write", 1)
    assert_unavailable(client, "GET", "/readyz", b"", within=3)
    assert client.get("/jobs").status_code == 200
    records.config_set("min-replicas-to-write", 0)
    assert client.get("/readyz").status_code == 200


def test_a_full_redis_refuses_new_jobs_and_still_answers(tmp_path: Path) -> None:
    with Server(tmp_path / "redis", maxmemory="8mb") as small:
        app = create_app(load_settings(redis_ip="127.0.0.1", redis_port=small.port, data_cache=tmp_path / "cache"))
        client, queue = app.test_client(), backend_of(app).jobs
        jid = submit(client)
        queue.store.records.config_set("maxmemory", 1)
        answer = client.post("/jobs", json={"operation": "unique_issues"})
        assert (answer.status_code, answer.get_json()["type"]) == (503, "/problems/store-full")
        assert answer.headers["Retry-After"]
        assert client.post("/data", data=CSV).get_json()["type"] == "/problems/store-full"
        assert client.get("/readyz").get_json()["checks"]["redis"]["status"] == "full"
        assert client.post(f"/jobs/{jid}/cancel").status_code == 200
        queue.store.records.config_set("maxmemory", 0)
        submit(client)
        queue.close()
