"""Takes an upload from a request to Redis, chunk by chunk: raw bodies of any Content-Type, and forms with a file.

No more than a chunk is in memory and nothing is on disk. What is no file of incidents is refused as soon as that shows.
Whatever goes wrong, what has arrived is dropped; a process that is killed meanwhile leaves chunks that Redis expires.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast

from flask import request
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.formparser import FormDataParser

from lib.errors import InvalidInput
from lib.incidents_beginning import Inspector
from lib.uploads import Upload
from services.api.backend import Backend
from services.api.body import CHUNK, Body
from services.api.kinds import ENCODED_BODY, NO_DATA_FILE
from services.api.problems import Problem

_FORM_FIELD = "file"
# Bytes of fields that are no files. The parser holds every chunk against it, with what it kept of the one before.
_FORM_MEMORY = 4 * CHUNK


class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class _Receiver:
    """What a form's file is written to: the parser calls `write` as bytes arrive."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.write = write

    def seek(self, position: int) -> None:
        """The parser rewinds at the end; there is nothing to rewind."""


@dataclass(frozen=True)
class Received:
    """A finished upload: its id, the name of what was uploaded, and the SHA-256 of it where that was asked for."""

    upload: str
    name: str
    sha256: str = ""


class Uploads:
    """Receives one request's body.

    Args:
        digest: also compute what the content amounts to.
    """

    def __init__(self, backend: Backend, digest: bool = False) -> None:
        self._backend = backend
        self._open: list[Upload] = []
        self._inspector = Inspector()
        self._digest = hashlib.sha256() if digest else None
        self._by = ""

    def receive(self, by: str = "") -> Received:
        """The finished upload; `by` is who sends it.

        Raises:
            InvalidInput, Problem: it is no form with one file, or there is nothing to load.
            UnreadableFile: what is sent is no file of incidents.
            TooLarge, StoreFull, StoreUnavailable, RequestEntityTooLarge.
        """
        if request.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
            raise Problem(
                ENCODED_BODY,
                f"The body has Content-Encoding: {request.headers['Content-Encoding'][:40]}. Send the file unpacked.",
                headers={"Accept-Encoding": "identity"},
            )
        request.max_content_length = self._backend.settings.max_upload_bytes
        self._by = by
        with self._dropped_on_error():
            upload, name = self._received()
        return Received(upload, name, self._digest.hexdigest() if self._digest else "")

    def _received(self) -> tuple[str, str]:
        if request.mimetype == "multipart/form-data":
            return self._form()
        body = Body()
        first = body.read()
        if first:
            return self._stream(body, first, "", request.content_length)
        if "Transfer-Encoding" in request.headers:
            self._inspector.end()  # a file was sent, with nothing in it
        return self._data_file(self._backend.settings.data_file)

    @contextmanager
    def _dropped_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            for upload in self._open:
                try:
                    self._redis(upload.abort)
                except Exception:
                    pass  # it expires by itself, and the first error is what matters
            raise

    def _redis(self, action: Callable[[], Any]) -> Any:
        # Tried once: bytes that were taken cannot be taken again.
        return self._backend.store.persist(action, 0)

    def _begin(self, name: str, size: int | None) -> Upload:
        store = self._backend.store
        upload: Upload = store.persist(
            lambda: self._backend.dataset.store.begin_upload(name[:200], size, self._by), store.patience
        )
        self._open.append(upload)
        return upload

    def _stream(self, source: _Readable, first: bytes, name: str, size: int | None) -> tuple[str, str]:
        upload = self._begin(name, size)
        chunk = first
        while chunk:
            self._append(upload, chunk)
            chunk = source.read(CHUNK)
        return self._finish(upload), name

    def _finish(self, upload: Upload) -> str:
        self._inspector.end()
        done: str = self._redis(upload.finish)
        return done

    def _append(self, upload: Upload, chunk: bytes) -> None:
        self._inspector.feed(chunk)
        if self._digest is not None:
            self._digest.update(chunk)
        self._redis(lambda: upload.append(chunk))

    def _data_file(self, path: Path) -> tuple[str, str]:
        try:
            with path.open("rb") as file:
                return self._stream(file, file.read(CHUNK), path.name, path.stat().st_size)
        except OSError as error:
            raise Problem(
                NO_DATA_FILE,
                f"The body is empty, and DATA_FILE, {path}, cannot be read: {error.strerror}. Send a CSV as the body:"
                " curl --data-binary @incidents.csv <this address>/data",
            ) from None

    def _form(self) -> tuple[str, str]:
        one = InvalidInput(_FORM_FIELD, f"must be the one file of the form: curl -F {_FORM_FIELD}=@incidents.csv")

        def receiver(filename: str | None = None, **_: Any) -> _Receiver:
            if self._open:
                raise one
            upload = self._begin(filename or "", None)
            return _Receiver(lambda data: self._append(upload, bytes(data)))

        parser = FormDataParser(receiver, max_form_memory_size=_FORM_MEMORY, max_form_parts=10, silent=False)  # type: ignore[arg-type]
        try:
            _, fields, files = parser.parse(
                cast(IO[bytes], Body()), request.mimetype, request.content_length, request.mimetype_params
            )
        except HTTPException:
            raise
        except ValueError as error:
            raise BadRequest(f"The form cannot be read: {error}") from None
        unknown = next((name for name in fields if name != _FORM_FIELD), None)
        if unknown is not None:
            where = "; it belongs in the address: /data?mode=append" if unknown == "mode" else ""
            raise InvalidInput(unknown, f"is no part of the form, which takes {_FORM_FIELD} alone{where}")
        found = files.getlist(_FORM_FIELD)
        if len(found) != 1:
            raise one
        return self._finish(self._open[0]), found[0].filename or ""
