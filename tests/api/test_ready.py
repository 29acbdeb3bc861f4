"""/readyz on how Redis keeps what it is given: what may lose jobs is told with its remedy, takes nobody out of service, and is
cheap to ask for."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from lib.settings import load_settings
from services.api import redis_state
from services.api.app import create_app
from tests.api.conftest import backend_of
from tests.servers import Server

Started = Callable[..., Flask]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """Makes an application on a server of its own, which has the given options."""
    with ExitStack() as stack:

        def make(**options: str) -> Flask:
            server = stack.enter_context(Server(tmp_path / "redis", **options))
            app = create_app(load_settings(redis_ip="127.0.0.1", redis_port=server.port, data_cache=tmp_path / "cache"))
            stack.callback(backend_of(app).jobs.close)
            return app

        yield make


def told(app: Flask) -> dict[str, Any]:
    """What /readyz says of Redis; it is ready."""
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()["checks"]["redis"]
    assert found["status"] == "ok"
    return found


def test_a_redis_without_append_only_file_is_warned_of_and_serves(started: Started) -> None:
    found = told(started(appendonly="no"))
    assert (found["aof_enabled"], found["maxmemory_policy"]) == (False, "noeviction")
    (warning,) = found["warnings"]
    assert "set appendonly yes" in warning


def test_a_policy_that_evicts_is_warned_of_once_in_the_log(started: Started, caplog: pytest.LogCaptureFixture) -> None:
    app = started()
    assert told(app)["warnings"] == []
    backend_of(app).store.records.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.WARNING, "trafficjobs.api"):
        patch.setattr(backend_of(app).redis_state, "_until", 0.0)
        patch.setattr(redis_state, "INTERVAL", -1.0)
        found = [told(app) for _ in range(3)][-1]
    assert found["maxmemory_policy"] == "allkeys-lru"
    assert found["warnings"] == ["maxmemory-policy is allkeys-lru, which may throw jobs away; set it to noeviction"]
    assert [record.getMessage() for record in caplog.records] == [f"Redis: {found['warnings'][0]}"]


def test_a_write_of_the_append_only_file_that_failed_is_warned_of(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    app = started()
    info = backend_of(app).store.records.info() | {"aof_last_write_status": "err"}
    monkeypatch.setattr(backend_of(app).store.records, "info", lambda: info)
    (warning,) = told(app)["warnings"]
    assert warning.startswith("the last write of the append-only file failed")


def test_a_user_that_may_not_ask_is_ready_all_the_same(started: Started) -> None:
    app = started()
    backend_of(app).store.records.execute_command("ACL", "SETUSER", "default", "-info")
    assert told(app) == {
        "status": "ok", "maxmemory_policy": None, "aof_enabled": None, "aof_last_write_status": None, "warnings": [],
    }  # fmt: skip


def test_a_hundred_probes_ask_for_info_once(started: Started) -> None:
    app = started()
    backend_of(app).store.records.config_resetstat()
    for _ in range(100):
        told(app)
    calls = backend_of(app).store.records.info("commandstats")
    assert calls["cmdstat_info"]["calls"] == 1
    assert "cmdstat_config|get" not in calls
