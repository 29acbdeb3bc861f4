"""The body of an upload: a file in chunks, with its length where that is known, and a callback for a progress bar.

`Client.load` sends it. Nothing is read into memory as a whole; a file that was opened here is closed here.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

from trafficjobs.errors import Invalid

CHUNK = 1 << 16  # bytes

Progress = Callable[[int, int | None], None]


def body_of(
    source: str | Path | IO[bytes] | None, progress: Progress | None
) -> tuple[AbstractContextManager[Iterator[bytes] | bytes], dict[str, str]]:
    """What to send, and the headers that go with it. Raises Invalid where there is no such file."""
    if source is None:
        return _nothing(), {}
    headers = {"Content-Type": "application/octet-stream"}
    if not isinstance(source, str | Path):
        size = _size_left(source)
        return _chunks(source, size, progress, close=False), headers | _length(size)
    try:
        file = Path(source).open("rb")  # noqa: SIM115 - closed by _chunks
    except OSError as error:
        raise Invalid(f"{source} cannot be read: {error.strerror}.") from None
    size = _size_left(file)
    return _chunks(file, size, progress, close=True), headers | _length(size)


def _length(size: int | None) -> dict[str, str]:
    return {} if size is None else {"Content-Length": str(size)}


def _size_left(file: IO[bytes]) -> int | None:
    """Bytes from here to the end; None for a pipe."""
    try:
        here = file.tell()
        return file.seek(0, os.SEEK_END) - file.seek(here)
    except (OSError, AttributeError, ValueError):
        return None


@contextmanager
def _nothing() -> Iterator[bytes]:
    yield b""


@contextmanager
def _chunks(file: IO[bytes], size: int | None, progress: Progress | None, close: bool) -> Iterator[Iterator[bytes]]:
    def chunks() -> Iterator[bytes]:
        sent = 0
        while chunk := file.read(CHUNK):
            yield chunk
            sent += len(chunk)
            if progress is not None:
                progress(sent, size)

    try:
        yield chunks()
    finally:
        if close:
            file.close()
