"""Files on their way from the API to the job that loads them, in Redis as `uploads.<id>` and `uploads.<id>.<n>`.

The API writes an `Upload` piece by piece while the request runs; the `load` operation reads it as a stream. Every key has
an expiry from its first moment: an upload that is abandoned, by a client or by a crash, vanishes by itself.
"""

import secrets
from typing import Any

import redis

from lib.errors import InvalidInput, StoreFull, TooLarge
from lib.settings import Settings

CHUNK_BYTES = 4 * 2**20
UNFINISHED_TTL = 3_600  # seconds after the last piece
FINISHED_TTL = 86_400  # seconds a finished upload waits for its load job


class Room:
    """Guards Redis against filling up: what is admitted must fit beside what is there."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client: Any = client  # its answers are bytes, which the stubs cannot know

    def require(self, needed: int, what: str) -> None:
        """Raise StoreFull unless `needed` more bytes fit below maxmemory; without a maxmemory everything fits."""
        memory: dict[str, Any] = self._client.info("memory")
        limit, used = int(memory.get("maxmemory", 0)), int(memory["used_memory"])
        if limit and used + needed > limit:
            free = max(0, limit - used)
            raise StoreFull(f"{what} needs {_mib(needed)} in Redis, and {_mib(free)} of {_mib(limit)} are free; raise maxmemory")


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


class Upload:
    """One upload while it arrives. Use `DatasetStore.begin_upload`; then `append` until the end, `finish` or `abort`."""

    def __init__(self, client: "redis.Redis", settings: Settings, filename: str, by: str) -> None:
        self.id = secrets.token_hex(8)
        self.size = 0
        self._client: Any = client  # its answers are bytes, which the stubs cannot know
        self._room = Room(client)
        self._limit = settings.max_upload_bytes
        self._key = upload_key(settings, self.id)
        self._chunks = 0
        self._pending = bytearray()
        with self._client.pipeline(transaction=True) as pipe:  # a process that died between the two would leave it for ever
            pipe.hset(self._key, mapping={"filename": filename, "by": by, "complete": 0})
            pipe.expire(self._key, UNFINISHED_TTL)
            pipe.execute()

    def append(self, data: bytes) -> None:
        """Take the next bytes; they reach Redis in pieces of 4 MiB.

        Raises:
            TooLarge: more than max_upload_bytes arrived.
            StoreFull: Redis has no room for the upload and the version made of it.
        """
        self.size += len(data)
        if self.size > self._limit:
            self.abort()
            raise TooLarge("data", f"the upload is larger than {_mib(self._limit)} (MAX_UPLOAD_BYTES)")
        self._pending += data
        while len(self._pending) >= CHUNK_BYTES:
            self._store(bytes(self._pending[:CHUNK_BYTES]))
            del self._pending[:CHUNK_BYTES]

    def _store(self, chunk: bytes) -> None:
        try:
            # What came so far is in Redis already; a version about as large as the file is still to come.
            self._room.require(len(chunk) + self.size, "the upload, with the version made of it,")
            with self._client.pipeline(transaction=False) as pipe:
                pipe.set(f"{self._key}.{self._chunks}", chunk, ex=UNFINISHED_TTL)
                pipe.expire(self._key, UNFINISHED_TTL)
                pipe.execute()
        except redis.exceptions.OutOfMemoryError:
            self.abort()
            raise StoreFull("Redis is at its memory limit, and the upload was dropped; raise maxmemory") from None
        except StoreFull:
            self.abort()
            raise
        self._chunks += 1

    def finish(self) -> str:
        """Close it and return its id, which the `load` operation takes.

        Raises:
            InvalidInput: nothing was uploaded, or parts of a very slow upload have expired meanwhile.
        """
        if not self.size:
            self.abort()
            raise InvalidInput("data", "the upload is empty")
        if self._pending:
            self._store(bytes(self._pending))
            self._pending.clear()
        with self._client.pipeline(transaction=True) as pipe:
            pipe.hset(self._key, mapping={"bytes": self.size, "chunks": self._chunks, "complete": 1})
            for key in (self._key, *(f"{self._key}.{n}" for n in range(self._chunks))):
                pipe.expire(key, FINISHED_TTL)
            alive = pipe.execute()[1:]
        if not all(alive):
            self.abort()
            raise InvalidInput(
                "data", f"the upload took longer than {UNFINISHED_TTL // 60} minutes and has partly expired; send it again"
            )
        return self.id

    def abort(self) -> None:
        """Drop what has arrived."""
        self._client.unlink(self._key, *(f"{self._key}.{n}" for n in range(self._chunks)))


class UploadReader:
    """A finished upload as a stream: one chunk in memory at a time."""

    def __init__(self, client: "redis.Redis", settings: Settings, upload: str) -> None:
        self._client: Any = client  # its answers are bytes, which the stubs cannot know
        self._key = upload_key(settings, upload)
        meta = self._meta()
        if meta.get(b"complete") != b"1":
            raise InvalidInput(
                "params.upload", f"there is no finished upload {upload!r}: it was loaded already, or has expired; upload again"
            )
        self.filename = meta[b"filename"].decode()
        self.size = int(meta[b"bytes"])
        self._chunks = int(meta[b"chunks"])
        self._next = 0
        self._rest = b""
        self.given = 0  # bytes that were fetched to be read

    def _meta(self) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = self._client.hgetall(self._key)
        return found

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, at most `size` (all for -1); b"" at the end."""
        if size < 0:
            parts = [self._rest, *iter(self._fetch, b"")]
            self._rest = b""
            return b"".join(parts)
        if not self._rest:
            self._rest = self._fetch()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _fetch(self) -> bytes:
        if self._next == self._chunks:
            return b""
        chunk: bytes | None = self._client.get(f"{self._key}.{self._next}")
        if chunk is None:
            raise InvalidInput("params.upload", "the upload expired while it was read; upload again")
        self._next += 1
        self.given += len(chunk)
        return chunk


def upload_key(settings: Settings, upload: str) -> str:
    return f"{settings.key_prefix}uploads.{upload}"


def remove_upload(client: "redis.Redis", settings: Settings, upload: str) -> None:
    """Drop a finished upload; one that is gone is no error."""
    key = upload_key(settings, upload)
    chunks = int(client.hget(key, "chunks") or 0)
    client.unlink(key, *(f"{key}.{n}" for n in range(chunks)))
