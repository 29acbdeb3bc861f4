"""The versions of the data in Redis: each an Arrow IPC file in chunks, published by one script, the newest five kept.

The API lists them, the `load` operation commits them, `lib.dataset` reads them. Chunks carry an expiry until the version is
published: a load that crashes leaves nothing behind, and readers see the old version or the new one, whole.
"""

import datetime
import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import redis

from lib.cleaning import day_range
from lib.errors import Conflict, JobsError, NoData, StaleClaim, StoreFull
from lib.reading import fields_of, text_of
from lib.scripts import compose
from lib.settings import Settings
from lib.uploads import CHUNK_BYTES, Room, Upload, UploadReader, remove_upload

VERSIONS_KEPT = 5
STAGED_TTL = 3_600  # seconds that chunks live before their version is published
ANY_BASE = "*"


@dataclass(frozen=True)
class Version:
    """One published version. `created` is UTC; `first` and `last` are local days."""

    id: str
    rows: int
    bytes: int
    chunks: int
    sha256: str
    created: datetime.datetime
    source: str
    by: str
    job: str
    first: str | None
    last: str | None
    report: dict[str, Any]


class BaseChanged(Conflict):
    """Another version was published since the one this load builds on; read it again and repeat."""


class ChunkGone(JobsError):
    """A chunk of a version is not in Redis: the version was removed while it was read."""


class DatasetStore:
    """Uploads and versions. Redis errors (`redis.exceptions`) pass through to the caller.

    Args:
        client: of the database of the records, without decode_responses.
    """

    def __init__(self, client: "redis.Redis", settings: Settings) -> None:
        self.client: Any = client  # its answers are bytes, which the stubs cannot know
        self.settings = settings
        self._commit = compose("commit_version", settings)
        self._remove = compose("remove_version", settings)
        self._activate = compose("activate_version", settings)

    def _key(self, suffix: str) -> str:
        return f"{self.settings.key_prefix}data.{suffix}"

    def _run(self, script: Any, *args: Any) -> Any:
        try:
            return self.client.evalsha(script.sha, 1, self._key("current"), *args)
        except redis.exceptions.NoScriptError:
            return self.client.eval(script.text, 1, self._key("current"), *args)

    # Uploads

    def begin_upload(self, filename: str = "", size: int | None = None, by: str = "") -> Upload:
        """Start an upload.

        Args:
            size: bytes announced by the client, if it did; a refusal then comes before the first byte.

        Raises:
            TooLarge, StoreFull: as `Upload.append` does.
        """
        if size is not None:
            Room(self.client).require(2 * min(size, self.settings.max_upload_bytes), "the upload, with the version made of it,")
        return Upload(self.client, self.settings, filename, by)

    def read_upload(self, upload: str) -> UploadReader:
        """A finished upload as a stream.

        Raises:
            InvalidInput: there is none.
        """
        return UploadReader(self.client, self.settings, upload)

    def remove_upload(self, upload: str) -> None:
        """Drop a finished upload."""
        remove_upload(self.client, self.settings, upload)

    # Versions

    def current(self) -> str | None:
        """Id of the version that jobs work on, None before the first load."""
        version: bytes | None = self.client.get(self._key("current"))
        return None if version is None else text_of(version)

    def version(self, version: str) -> Version | None:
        """What is known about one version; None if it is not there."""
        if self.client.zscore(self._key("versions"), version) is None:
            return None
        meta = fields_of(self.client.hgetall(self._key(version)))
        return _version(version, meta) if meta else None

    def versions(self) -> list[Version]:
        """All versions, the newest first."""
        ids: list[bytes] = self.client.zrange(self._key("versions"), 0, -1, desc=True)
        return [found for each in ids if (found := self.version(text_of(each))) is not None]

    def published_by(self, job: str) -> Version | None:
        """The version that a job has published already, by an earlier run whose end was not recorded."""
        return next((each for each in self.versions() if each.job == job), None)

    def new_version(self) -> str:
        """A fresh id; in the order of time for the eye only."""
        return f"v-{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"

    def commit(
        self,
        version: str,
        table: pa.Table,
        report: dict[str, Any],
        *,
        source: str = "",
        by: str = "",
        base: str | None = ANY_BASE,
        job: str = "",
        token: str = "",
    ) -> str:
        """Store the table and make it the current version. Sent twice, it is published once.

        Args:
            base: the version that must still be current, None for "none yet"; ANY_BASE to replace whatever is there.
            job, token: the claim that must still hold; no job, no check.

        Raises:
            StaleClaim: the job went on without this run.
            BaseChanged: another version was published meanwhile.
            StoreFull: Redis has no room for it.
        """
        if self.version(version) is not None:
            return version  # by an earlier call; staging its chunks again would give them an expiry
        Room(self.client).require(table.nbytes, "the new version of the data")
        sink = _ChunkSink(self.client, self._key(version))
        first, last = day_range(table)
        try:
            with pa.PythonFile(sink, mode="w") as file, pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
            sink.flush_rest()
            meta = {"rows": table.num_rows, "bytes": sink.size, "sha256": sink.sha256.hexdigest(), "source": source, "by": by,
                    "first": first or "", "last": last or "", "report": json.dumps(report)}  # fmt: skip
            fields = [part for pair in meta.items() for part in pair]
            reply = self._run(self._commit, version, sink.chunks, base or "", job, token, VERSIONS_KEPT, *fields)
        except redis.exceptions.OutOfMemoryError:
            sink.remove()
            raise StoreFull("Redis is at its memory limit, and the new version was dropped; raise maxmemory") from None
        if reply[0] != 1:
            sink.remove()
            raise _refusal(reply)
        return version

    def remove(self, version: str) -> None:
        """Remove a version; one that is gone is no error.

        Raises:
            Conflict: it is the current one.
        """
        if self._run(self._remove, version) == 2:
            raise Conflict(f"{version} is the current version of the data; load another one first")

    def activate(self, version: str) -> None:
        """Make a version that is kept the current one; jobs that run go on with theirs.

        Raises:
            NoData: it is not kept.
        """
        if not self._run(self._activate, version):
            raise NoData(f"Version {version[:80]!r} of the data is not kept; GET /data/versions lists those that are.")

    def chunks(self, version: Version) -> Iterator[bytes]:
        """The bytes of a version's Arrow file, chunk by chunk.

        Raises:
            ChunkGone: the version was removed meanwhile.
        """
        for n in range(version.chunks):
            chunk: bytes | None = self.client.get(f"{self._key(version.id)}.{n}")
            if chunk is None:
                raise ChunkGone(f"chunk {n} of version {version.id} is gone")
            yield chunk


def _refusal(reply: list[Any]) -> JobsError:
    if reply[0] == 2:
        return StaleClaim("the claim of this load has ended; its version of the data was dropped")
    if reply[0] == 4:
        return BaseChanged(f"version {reply[1].decode() or 'none'} is current now")
    return ChunkGone(f"chunk {reply[1]} expired before the version was published; load again")


def _version(version: str, meta: dict[str, str]) -> Version | None:
    try:
        return _version_of(version, meta)
    except (KeyError, ValueError, TypeError, OverflowError):  # another program has written to it
        return None


def _version_of(version: str, meta: dict[str, str]) -> Version:
    return Version(
        id=version,
        rows=int(meta["rows"]),
        bytes=int(meta["bytes"]),
        chunks=int(meta["chunks"]),
        sha256=meta["sha256"],
        created=datetime.datetime.fromtimestamp(int(meta["created"]) / 1000, datetime.UTC),
        source=meta["source"],
        by=meta["by"],
        job=meta["job"],
        first=meta["first"] or None,
        last=meta["last"] or None,
        report=json.loads(meta["report"]),
    )


class _ChunkSink:
    """A file to write to, whose content goes to Redis in chunks: the Arrow file never stands in memory as a whole."""

    closed = False

    def __init__(self, client: "redis.Redis", key: str) -> None:
        self._client = client
        self._key = key
        self._pending = bytearray()
        self.size = 0
        self.chunks = 0
        self.sha256 = hashlib.sha256()

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self.sha256.update(view)
        self._pending += view
        self.size += view.nbytes
        while len(self._pending) >= CHUNK_BYTES:
            self._store(bytes(self._pending[:CHUNK_BYTES]))
            del self._pending[:CHUNK_BYTES]
        return view.nbytes

    def flush_rest(self) -> None:
        if self._pending:
            self._store(bytes(self._pending))
            self._pending.clear()

    def _store(self, chunk: bytes) -> None:
        self._client.set(f"{self._key}.{self.chunks}", chunk, ex=STAGED_TTL)
        self.chunks += 1

    def remove(self) -> None:
        if self.chunks:
            self._client.unlink(*(f"{self._key}.{n}" for n in range(self.chunks)))

    # What pyarrow asks of a Python file.
    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        return None

    def close(self) -> None:
        self.closed = True
