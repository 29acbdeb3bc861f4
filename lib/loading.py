"""The `load` operation: an upload, or the data file, becomes a version of the data.

The API submits it for `POST /data`; workers run it. A run that crashes leaves the old version in place; a run that published
and then crashed is recognised by the next attempt, which returns its report and loads nothing twice.
"""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from lib.cleaning import clean, merge
from lib.context import JobInfo, job, log, partial, progress, store
from lib.errors import InvalidInput, JobsError, NoData
from lib.incidents import read_incidents
from lib.incidents_text import ByteStream
from lib.operations import Params, operation
from lib.versions import ANY_BASE, BaseChanged, ChunkGone, DatasetStore, Version

ATTEMPTS = 5
READING = 0.8  # share of the progress bar


class LoadParams(Params):
    upload: str | None = Field(
        None, pattern="^[0-9a-f]{16}$", description="Id of a finished upload; without it DATA_FILE is read."
    )
    mode: Literal["replace", "append"] = Field("replace", description="Whether the file replaces the data or is added to it.")
    source: str = Field("", max_length=200, description="Where the file comes from, for the list of versions.")
    by: str = Field("", max_length=200, description="Who loads it.")
    sha256: str = Field("", pattern="^([0-9a-f]{64})?$", description="Of the file, where it came with an Idempotency-Key.")


@operation(params=LoadParams, title="Load data", needs_data=False, direct=False, hidden=True)
def load(upload: str | None, mode: str, source: str, by: str, sha256: str = "") -> dict[str, Any]:
    """Read, check and clean a file of incidents, and make it the data that jobs work on.

    The report says what was read, kept, dropped and nulled, and why.
    """
    versions, run = store(), job() or JobInfo("", 0, "")
    if run.id and (done := versions.published_by(run.id)) is not None:
        log(f"version {done.id} was published by an earlier run of this job")
        return _answer(done)
    with ExitStack() as stack:
        stream, size, name = _open(versions, upload, stack)
        raw = read_incidents(stream, lambda done: progress(READING * done / max(size, 1), 1, "reading"))
    log(f"{name}: {raw.table.num_rows:,} rows read as {raw.format}")
    progress(READING, 1, "cleaning")
    table, report = clean(raw, versions.settings.timezone)
    partial({"report": report.to_dict()})
    progress(0.9, 1, "storing")
    about = {"source": source or name, "by": by, "job": run.id, "token": run.token}
    version = _publish(versions, table, report.to_dict(), mode, about)
    if upload:
        versions.remove_upload(upload)
    log(f"version {version.id}: {version.rows:,} rows, {version.first} to {version.last}")
    progress(1, 1, "published")
    return _answer(version)


def _answer(version: Version) -> dict[str, Any]:
    return {"version": version.id, "rows": version.rows, "first": version.first, "last": version.last, "report": version.report}


def _open(versions: DatasetStore, upload: str | None, stack: ExitStack) -> tuple[ByteStream, int, str]:
    """The file as a stream, its size in bytes, and its name."""
    if upload:
        reader = versions.read_upload(upload)
        return reader, reader.size, reader.filename or f"upload {upload}"
    path: Path = versions.settings.data_file
    try:
        return stack.enter_context(path.open("rb")), path.stat().st_size, path.name
    except OSError as error:
        raise InvalidInput(
            "params.upload", f"no upload was given and DATA_FILE {path} cannot be read ({error.strerror})"
        ) from None


def _publish(versions: DatasetStore, table: pa.Table, report: dict[str, Any], mode: str, about: dict[str, str]) -> Version:
    """Commit it. An append that another load overtook is repeated on what that one published."""
    for _ in range(ATTEMPTS):
        base = versions.current() if mode == "append" else None
        try:
            whole = merge(stored_table(versions, base), table, versions.settings.timezone) if base else table
            report |= {"mode": mode, "rows_after": whole.num_rows}
            commit: Callable[..., str] = versions.commit
            name = commit(versions.new_version(), whole, report, base=base if mode == "append" else ANY_BASE, **about)
        except (BaseChanged, ChunkGone):
            log("another load came first; adding to what it published")
            continue
        published = versions.version(name)
        if published is None:
            raise JobsError(f"version {name} was published and removed at once")
        return published
    raise JobsError(f"{ATTEMPTS} other loads came first, one after another; load again")


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
