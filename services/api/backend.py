"""What the routes stand on: settings, the queue, the operations and the data, made once per application.

Nothing connects here. While Redis is away, at most one request per process waits for it; the others get their 503 at
once, so that threads stay free for what needs no Redis. The first answer of Redis ends that by itself.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import redis
from flask import current_app

from lib.dataset import Dataset, DatasetStore
from lib.errors import StoreUnavailable
from lib.jobs import Jobs
from lib.operations import Catalog, load_catalog
from lib.settings import Settings
from lib.store import Store
from services.api.redis_state import RedisState
from services.api.scaler import ScalerView

PATIENCE = 2.0  # seconds for which a request waits for a Redis that was there a moment ago
PROBE_PATIENCE = 0.1  # seconds for which one request tries a Redis that is known to be away
_NAME = "trafficjobs"


class ApiStore(Store):
    """A Store that remembers whether Redis is away.

    Args:
        settings: their redis_timeout is cut to PATIENCE, since nobody waits for an HTTP answer longer.
    """

    def __init__(self, settings: Settings) -> None:
        timeout = min(settings.redis_timeout, PATIENCE)
        super().__init__(settings.model_copy(update={"redis_timeout": timeout}), patience=PATIENCE)
        self._away = False
        self._probe = threading.Lock()

    def persist(self, action: Callable[[], Any], patience: float) -> Any:
        if not self._away:
            return self._try(action, patience)
        if not self._probe.acquire(blocking=False):
            raise StoreUnavailable("Redis does not answer; try again in a moment.")
        try:
            return self._try(action, min(patience, PROBE_PATIENCE))
        finally:
            self._probe.release()

    def _try(self, action: Callable[[], Any], patience: float) -> Any:
        try:
            answer = super().persist(action, PROBE_PATIENCE if self._restoring else patience)
        except StoreUnavailable as error:
            self._away = isinstance(error.__cause__, redis.ConnectionError | redis.TimeoutError)
            raise
        except Exception:
            self._away = False  # it answered, if with a refusal
            raise
        self._away = False
        return answer


@dataclass(frozen=True)
class Backend:
    """Everything behind the routes."""

    settings: Settings
    store: ApiStore
    jobs: Jobs
    catalog: Catalog
    dataset: Dataset
    redis_state: RedisState
    scaler: ScalerView

    def data_version(self) -> str | None:
        """Id of the version of the data that is current now; None without data."""
        version: str | None = self.store.persist(self.dataset.store.current, self.store.patience)
        return version

    def table(self) -> tuple[pa.Table, str]:
        """The incidents as a mapped Arrow table, and the version. Raises NoData."""
        # Asked for outside the dataset's lock: while Redis hangs, requests must not wait in line for each other.
        return self.dataset.table(self.data_version())

    def frame(self) -> pd.DataFrame:
        """The incidents as a frame over the same mapped file. Raises NoData."""
        return self.dataset.frame(self.data_version())[0]


def make_backend(settings: Settings) -> Backend:
    """The backend of one application."""
    store = ApiStore(settings)
    catalog = load_catalog(settings.operations_dir)
    dataset = Dataset(DatasetStore(store.records, settings), settings.data_cache, settings)
    return Backend(settings, store, Jobs(settings, catalog, store), catalog, dataset, RedisState(store), ScalerView(settings))


def backend() -> Backend:
    """The backend of the application that answers this request."""
    found: Backend = current_app.extensions[_NAME]
    return found


def attach(extensions: dict[str, Any], made: Backend) -> None:
    """Give an application its backend."""
    extensions[_NAME] = made
