"""The `load` operation: an upload, a URL, or the data file becomes a version of the data.

The API submits it for `POST /data`; workers run it. A run that crashes leaves the old version in place; a run that published
and then crashed is recognised by the next attempt, which returns its report and loads nothing twice.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field, model_validator

from lib.cleaning import clean, merge
from lib.context import JobInfo, job, log, partial, progress, store
from lib.downloads import Download
from lib.egress import MOST_CHARACTERS
from lib.errors import InvalidInput, JobsError, NoData
from lib.incidents_file import read_incidents
from lib.incidents_text import ByteStream
from lib.operations import Params, operation
from lib.sources import Sources, shown
from lib.versions import ANY_BASE, BaseChanged, ChunkGone, DatasetStore, Version

ATTEMPTS = 5
READING = 0.8  # share of the progress bar


class LoadParams(Params):
    upload: str | None = Field(
        None, pattern="^[0-9a-f]{16}$", description="Id of a finished upload; without it DATA_FILE is read."
    )
    url: str | None = Field(
        None, max_length=MOST_CHARACTERS, pattern="^https?://", description="What to download instead, where DATA_URLS allows it."
    )
    mode: Literal["replace", "append"] = Field("replace", description="Whether the file replaces the data or is added to it.")
    source: str = Field("", max_length=200, description="Where the file comes from, for the list of versions.")
    by: str = Field("", max_length=200, description="Who loads it.")
    sha256: str = Field("", pattern="^([0-9a-f]{64})?$", description="Of the file, where it came with an Idempotency-Key.")

    @model_validator(mode="after")
    def _one_source(self) -> "LoadParams":
        if self.upload and self.url:
            raise ValueError("upload and url: give one of the two")
        return self


@operation(params=LoadParams, title="Load data", needs_data=False, direct=False, hidden=True)
def load(upload: str | None, url: str | None, mode: str, source: str, by: str, sha256: str = "") -> dict[str, Any]:
    """Read, check and clean a file of incidents, and make it the data that jobs work on.

    The report says what was read, kept, dropped and nulled, and why.
    """
    versions, run = store(), job() or JobInfo("", 0, "")
    if run.id and (done := versions.published_by(run.id)) is not None:
        log(f"version {done.id} was published by an earlier run of this job")
        return _answer(done)
    with ExitStack() as stack:
        file = _download(versions, url, stack) if url else _open(versions, upload, stack)
        name = file.name
        raw = read_incidents(file.stream, lambda _: _tell(file))
    log(f"{name}: {raw.table.num_rows:,} rows read as {raw.format}")
    progress(READING, 1, "cleaning")
    table, report = clean(raw, versions.settings.timezone)
    partial({"report": report.to_dict()})
    progress(0.9, 1, "storing")
    about = {"source": source or (shown(url) if url else name), "by": by, "job": run.id, "token": run.token}
    version = _publish(versions, table, report.to_dict(), mode, about)
    if upload:
        versions.remove_upload(upload)
    log(f"version {version.id}: {version.rows:,} rows, {version.first} to {version.last}")
    progress(1, 1, "published")
    return _answer(version)


def _answer(version: Version) -> dict[str, Any]:
    return {"version": version.id, "rows": version.rows, "first": version.first, "last": version.last, "report": version.report}


@dataclass
class _File:
    """What is read: bytes in all, where that is known, and a function that says how many have come."""

    stream: ByteStream
    name: str
    size: int | None
    come: Callable[[], int]


def _tell(file: _File) -> None:
    if file.size is None:
        progress(file.come(), None, f"reading, {file.come() / 2**20:.1f} MiB")
    else:
        progress(READING * min(1.0, file.come() / max(file.size, 1)), 1, "reading")


def _download(versions: DatasetStore, url: str, stack: ExitStack) -> _File:
    settings = versions.settings
    sources = Sources(settings.data_urls, settings.data_urls_allow)
    download = stack.enter_context(closing(Download(sources, url, settings.max_upload_bytes)))
    return _File(download, download.name, download.size, lambda: download.received)


def _open(versions: DatasetStore, upload: str | None, stack: ExitStack) -> _File:
    if upload:
        reader = versions.read_upload(upload)
        return _File(reader, reader.filename or f"upload {upload}", reader.size, lambda: reader.given)
    path: Path = versions.settings.data_file
    try:
        file = stack.enter_context(path.open("rb"))
        return _File(file, path.name, path.stat().st_size, file.tell)
    except OSError as error:
        raise InvalidInput(
            "params.upload", f"no upload was given and DATA_FILE {path} cannot be read ({error.strerror})"
        ) from None


def _publish(versions: DatasetStore, table: pa.Table, report: dict[str, Any], mode: str, about: dict[str, str]) -> Version:
    """Commit it. An append that another load overtook is repeated on what that one published; so is what lost a part."""
    for _ in range(ATTEMPTS):
        base = versions.current() if mode == "append" else None
        try:
            whole = merge(stored_table(versions, base), table, versions.settings.timezone) if base else table
            report |= {"mode": mode, "rows_after": whole.num_rows}
            commit: Callable[..., str] = versions.commit
            name = commit(versions.new_version(), whole, report, base=base if mode == "append" else ANY_BASE, **about)
        except BaseChanged:
            log("another load came first; adding to what it published")
            continue
        except ChunkGone:  # of the version that it adds to, or one of its own, whose time was over
            log("a part of the data was gone before all of it was published; trying again")
            continue
        published = versions.version(name)
        if published is None:
            raise JobsError(f"version {name} was published and removed at once")
        return published
    raise JobsError(f"{ATTEMPTS} times another load came first, or a part of the data was gone; load again")


def stored_table(versions: DatasetStore, version: str) -> pa.Table:
    """A version read from Redis into memory.

    Raises:
        NoData: it is not kept any more.
        ChunkGone: it was removed meanwhile.
    """
    meta = versions.version(version)
    if meta is None:
        raise NoData(f"version {version} of the data is not kept any more")
    return pa.ipc.open_file(pa.BufferReader(b"".join(versions.chunks(meta)))).read_all()
