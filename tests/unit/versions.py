"""Uploads and versions as tests make them, and the keys that they leave."""

from typing import Any

import redis

from lib.settings import Settings
from lib.versions import DatasetStore
from tests.unit.incident_files import table_of, week


def commit(store: DatasetStore, *rows: str, **about: Any) -> str:
    return store.commit(store.new_version(), table_of(*(rows or week())), {"rows_read": 1}, **about)


def upload(store: DatasetStore, data: bytes, piece: int = 1000) -> str:
    arriving = store.begin_upload("week.csv", len(data), "ann")
    for start in range(0, len(data), piece):
        arriving.append(data[start : start + piece])
    return arriving.finish()


def claimed(client: "redis.Redis", settings: Settings, job: str = "j1", token: str = "t1") -> None:
    client.hset(f"{settings.key_prefix}job.{job}", mapping={"status": "in-progress", "token": token})


def ours(client: "redis.Redis", settings: Settings) -> set[str]:
    return {key.decode().removeprefix(settings.key_prefix) for key in client.scan_iter(f"{settings.key_prefix}*")}
