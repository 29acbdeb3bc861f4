"""Servers and settings for every test: one real server a session (and pytest process), a fresh key prefix a test.

`TRAFFICJOBS_SERVER` names the server binary to test on; without it the embedded Valkey is used. One way to start a
server: `tests.servers.Server`.
"""

import itertools
import math
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lib.functions import loaded
from lib.jobs import Jobs
from lib.settings import Settings, load_settings
from lib.store import Store
from tests.receivers import Receiver, receiver
from tests.servers import Server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server with AOF, shared by the tests of this process. `.port` is where it listens."""
    with Server(tmp_path_factory.mktemp("redis"), binary=os.environ.get("TRAFFICJOBS_SERVER")) as running:
        yield running


@pytest.fixture(autouse=True)
def _looks_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of this process looks once whether a restore is under way, and not again by the clock: tests count commands."""
    if not getattr(request.module, "LOOKS_AGAIN", False):
        monkeypatch.setattr("lib.store._GATE_LOOK", math.inf)


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a release of its own on the shared server: a prefix nobody else has, a lease of 2 s.

    Its functions are taken away at the end: a server would have those of hundreds of releases, half a megabyte each.
    """
    made = load_settings(
        redis_ip="127.0.0.1",
        redis_port=server.port,
        key_prefix=f"t{os.getpid()}-{next(_numbers)}:",
        lease_seconds=2.0,
        upkeep_interval=0.1,
        result_cache=False,  # tests submit equal jobs again and again, and want each of them to run
        data_cache=tmp_path / "cache",
        worker_state_dir=tmp_path / "worker",
    )
    yield made
    with closing(Store(made, gated=False)) as store:
        for name in loaded(store) or ():
            store.queues.function_delete(name)


@pytest.fixture
def jobs(settings: Settings) -> Iterator[Jobs]:
    """The queue of this test."""
    queue = Jobs(settings)
    yield queue
    queue.close()


@pytest.fixture
def there() -> Iterator[Receiver]:
    """A receiver of webhooks."""
    with receiver() as made:
        yield made
