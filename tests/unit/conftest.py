"""What several files of unit tests start from: a client of Redis, the store of data, and upkeep that looks.

On another server than the embedded one (TRAFFICJOBS_SERVER) only what speaks to a server is run.
"""

import os
from collections.abc import Iterator

import pytest
import redis

from lib.jobs import Jobs
from lib.settings import Settings
from lib.upkeep import Upkeep
from lib.versions import DatasetStore


@pytest.fixture
def client(settings: Settings) -> Iterator["redis.Redis"]:
    """A client of the server, which sees the bytes in it."""
    with redis.Redis(port=settings.redis_port, db=settings.redis_db) as client:
        yield client


@pytest.fixture
def store(client: "redis.Redis", settings: Settings) -> DatasetStore:
    """Uploads and versions of the release of this test."""
    return DatasetStore(client, settings)


@pytest.fixture
def upkeep(jobs: Jobs) -> Upkeep:
    """Upkeep that has been looking all the time: it would reap at once."""
    runner = Upkeep(jobs)
    runner.round()
    jobs.store.records.hset(f"{jobs.settings.key_prefix}upkeep.seen", "not_before", 0)
    return runner


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that neither ask for a server nor start one."""
    if not os.environ.get("TRAFFICJOBS_SERVER"):
        return
    here = os.path.dirname(__file__)
    left_out = [item for item in items if str(item.path).startswith(here) and not _knows_a_server(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def _knows_a_server(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    return "server" in item.fixturenames or hasattr(item.module, "Server")
