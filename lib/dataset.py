"""The data as this process sees it: the current version as a frame over a mapped Arrow file, one file a machine or pod.

Workers and the API ask it for the frame and for rows. The file is written once, under a lock, beside its place and renamed
when its checksum is right: a crash leaves no half file, and what it leaves over the next process cleans up.
"""

import fcntl
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from lib.columns import frame
from lib.errors import NoData, StoreUnavailable
from lib.rows import Page, row_by_id, select_rows
from lib.settings import Settings
from lib.versions import ChunkGone, DatasetStore, Version

__all__ = ["Dataset", "DatasetStore"]

FILES_KEPT = 2  # the current version and the one before, which running jobs may still ask for
ATTEMPTS = 3


class Dataset:
    """Access to the data for one process. Safe to share between threads, and over a fork that holds no lock.

    Args:
        cache_dir: folder of the mapped files; by default settings.data_cache, or a private temporary folder.
    """

    def __init__(self, store: DatasetStore, cache_dir: Path | None, settings: Settings) -> None:
        self.store = store
        self._folder = cache_dir or settings.data_cache or _temporary_folder()
        self._lock = threading.Lock()
        self._version = ""
        self._table: pa.Table | None = None
        self._frame: pd.DataFrame | None = None

    def frame(self, version: str | None = None) -> tuple[pd.DataFrame, str]:
        """The frame and the id of its version: the one asked for, else the current one. Mapped once, then at hand.

        Each call gives a frame of its own over the same memory: what an operation does to it stays with that operation.

        Raises:
            NoData: nothing is loaded, or the version asked for is gone.
        """
        with self._lock:
            self._bring(version)
            assert self._frame is not None
            return self._frame.copy(deep=False), self._version

    def table(self, version: str | None = None) -> tuple[pa.Table, str]:
        """The same as an Arrow table."""
        with self._lock:
            self._bring(version)
            return self._table, self._version

    def rows(
        self,
        search: str | None = None,
        start: str | None = None,
        end: str | None = None,
        issue: str | None = None,
        limit: int = 1000,
        after: str | None = None,
    ) -> Page:
        """Incidents in the order of time; see `lib.rows.select_rows`."""
        table, version = self.table()
        return select_rows(table, version, search=search, start=start, end=end, issue=issue, limit=limit, after=after)

    def by_id(self, report_id: str) -> dict[str, Any] | None:
        """One incident; None if the current version has no such report id."""
        return row_by_id(self.table()[0], report_id)

    def _bring(self, wanted: str | None) -> None:
        """Have the version mapped. A version that is removed under our hands is followed by the next one."""
        for _ in range(ATTEMPTS):
            version = wanted or self.store.current()
            if version is None:
                raise NoData("no data is loaded yet; send a file to POST /data, or run `make data` and POST /data without a body")
            if version == self._version:
                return
            meta = self.store.version(version)
            if meta is None and wanted:
                raise NoData(f"version {wanted} of the data is not kept any more; the current one is {self.store.current()}")
            try:
                if meta is not None:
                    self._map(meta, self._file(meta))
                    return
            except (ChunkGone, FileNotFoundError):
                continue
        raise StoreUnavailable("the data changes faster than it can be read; try again")

    def _map(self, meta: Version, path: Path) -> None:
        with pa.memory_map(str(path)) as mapped:
            table = pa.ipc.open_file(mapped).read_all()
        self._table, self._frame, self._version = table, frame(table), meta.id

    def _file(self, meta: Version) -> Path:
        """The version's file in the folder, written if it is not there."""
        path = self._folder / f"{meta.id}.arrow"
        if path.exists():
            return path
        self._folder.mkdir(parents=True, exist_ok=True)
        with _exclusive(self._folder / ".lock"):
            if not path.exists():
                for left_over in self._folder.glob("*.part"):
                    left_over.unlink()
                part = path.with_suffix(".part")
                _write(part, meta, self.store.chunks(meta))
                part.replace(path)
                self._remove_old(path)
        return path

    def _remove_old(self, newest: Path) -> None:
        """Processes that have an old file mapped keep it until they let go."""
        others = [path for path in self._folder.glob("v-*.arrow") if path != newest]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in others[FILES_KEPT - 1 :]:
            path.unlink(missing_ok=True)


def _write(path: Path, meta: Version, chunks: Iterator[bytes]) -> None:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != meta.sha256:
        path.unlink()
        raise StoreUnavailable(f"version {meta.id} of the data arrived damaged (its checksum differs)")


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Hold a lock that all processes of the machine respect, and that ends with its holder."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _temporary_folder() -> Path:
    """A folder of this user's own below the system's temporary one."""
    folder = Path(tempfile.gettempdir()) / f"trafficjobs-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise StoreUnavailable(f"{folder} belongs to somebody else; set DATA_CACHE to a folder of your own")
    return folder
