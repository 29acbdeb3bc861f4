"""A service on a server of its own that is well until a test makes it ill, and what its /doctor finds amiss."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.examination import answering
from lib.jobs import Jobs
from lib.settings import load_settings
from lib.upkeep import Upkeep
from services.api.app import create_app
from tests.api.conftest import backend_of
from tests.servers import Server
from trafficjobs import __version__


@pytest.fixture(autouse=True)
def _busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which other tests run may be slow to answer; the test of latency says itself what it took."""
    monkeypatch.setattr(answering, "PING_SLOW", 0.09)
    monkeypatch.setattr(answering, "CALL_SLOW", 0.09)


@pytest.fixture
def settings(own: Server, tmp_path: Path) -> Any:
    """A release on a server of its own, since most tests here make the server ill."""
    return load_settings(redis_ip="127.0.0.1", redis_port=own.port, key_prefix="d:", data_cache=tmp_path / "cache")


@pytest.fixture
def healthy(loaded: FlaskClient, queue: Jobs) -> FlaskClient:
    """A client of a service with data, upkeep that has just looked, and a worker of this version."""
    Upkeep(queue).round()
    beat(queue)
    return loaded


def beat(queue: Jobs, **more: Any) -> None:
    queue.beat("w", {"queues": ["job-queue"], "children": 2, "version": __version__, "operations_broken": []} | more, [])


def asked(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/doctor")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def amiss(client: FlaskClient) -> list[tuple[str, str, str]]:
    """What is not well: check, status, and what was seen with its remedy. There is always a remedy."""
    told = asked(client)
    wrong = [one for one in told["checks"] if one["status"] != "ok"]
    assert all(one["remedy"] for one in wrong)
    assert told["status"] == ("ok" if not wrong else told["status"])
    return [(one["check"], one["status"], f"{one['seen']} → {one['remedy']}") for one in wrong]


def only(client: FlaskClient) -> tuple[str, str, str]:
    (one,) = amiss(client)
    return one


Rules = Callable[..., FlaskClient]


@pytest.fixture
def signed_in(own: Server, queue: Jobs, tmp_path: Path) -> Iterator[Rules]:
    """Makes a client of the same release whose user of Redis has the given rules."""
    made: list[Flask] = []

    def make(*rules: str) -> FlaskClient:
        queue.store.records.execute_command("ACL", "SETUSER", "few", "reset", "on", ">secret", *rules)
        login: dict[str, Any] = {"redis_username": "few", "redis_password": "secret", "key_prefix": "d:"}
        made.append(create_app(load_settings(redis_ip="127.0.0.1", redis_port=own.port, data_cache=tmp_path / "c", **login)))
        return made[-1].test_client()

    yield make
    for app in made:
        backend_of(app).jobs.close()
