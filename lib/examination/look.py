"""What every check looks through: the queue and the data of one release, and what Redis says of itself, asked once."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from lib.jobs import Jobs
from lib.settings import Settings
from lib.store import Store
from lib.versions import DatasetStore


class Look:
    """One examination.

    Args:
        jobs: the queue, with its catalog where broken files of operations are to be told.
        dataset: the versions of the data.
        version: of the program that looks; workers of another one are told.
    """

    def __init__(self, jobs: Jobs, dataset: DatasetStore, version: str) -> None:
        self.jobs = jobs
        self.dataset = dataset
        self.version = version

    @property
    def store(self) -> Store:
        return self.jobs.store

    @property
    def settings(self) -> Settings:
        return self.jobs.settings

    @cached_property
    def info(self) -> Mapping[str, Any]:
        """What INFO says. Raises StoreUnavailable, redis.ResponseError."""
        found: Mapping[str, Any] = self.store.read(lambda rd: rd.info())
        return found

    @cached_property
    def workers(self) -> list[dict[str, Any]]:
        """The workers that beat."""
        return self.jobs.workers()
