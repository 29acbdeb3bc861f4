"""Versions of the data, whose callers let redis-py send again."""

import pyarrow as pa
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry as Again

from lib.connections import connect
from lib.jobs import Jobs
from lib.versions import DatasetStore
from tests.chaos.lost_replies.registry import call
from tests.chaos.scenarios.stage import Stage


def rows() -> pa.Table:
    """One row that a version takes."""
    return pa.table({"date": pa.array(["2024-01-01"]).dictionary_encode()})


def dataset(jobs: Jobs) -> DatasetStore:
    """The data store of a child."""
    settings = jobs.settings
    client: redis.Redis = connect(settings, settings.redis_db, retry=Again(NoBackoff(), 5))
    return DatasetStore(client, settings)


@call
def commit_version(stage: Stage, deaf: Jobs) -> None:
    store = dataset(deaf)
    version = store.commit(store.new_version(), rows(), {})
    assert [each.id for each in dataset(stage.jobs).versions()] == [version]


@call
def remove_version(stage: Stage, deaf: Jobs) -> None:
    store = dataset(stage.jobs)
    old, new = (store.commit(store.new_version(), rows(), {}) for _ in range(2))
    dataset(deaf).remove(old)
    assert [each.id for each in store.versions()] == [new]


@call
def activate_version(stage: Stage, deaf: Jobs) -> None:
    store = dataset(stage.jobs)
    old, _ = (store.commit(store.new_version(), rows(), {}) for _ in range(2))
    dataset(deaf).activate(old)
    assert store.current() == old
