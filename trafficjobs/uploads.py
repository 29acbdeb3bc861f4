"""The body of an upload: a file in chunks, with its length where that is known, and a callback for a progress bar.

`Client.load` sends it, from the beginning again where that can be gone back to. Nothing is read into memory as a whole; a
file that was opened here is closed here.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Self

from trafficjobs.errors import Invalid

CHUNK = 1 << 16  # bytes

Progress = Callable[[int, int | None], None]


def is_address(source: str) -> bool:
    """Whether it names what the service shall download, and no file."""
    return source.lower().startswith(("https://", "http://"))


class Upload:
    """What is sent.

    Args:
        source: a path, or a file opened in binary mode; None is an empty body.
        progress: called with the bytes sent and, where they are known, those in all.

    Raises: Invalid where there is no such file, or nothing in it.
    """

    def __init__(self, source: str | Path | IO[bytes] | None, progress: Progress | None = None) -> None:
        self._progress = progress
        self._opened: IO[bytes] | None = None
        if isinstance(source, str | Path):
            try:
                source = self._opened = Path(source).open("rb")  # noqa: SIM115 - closed by __exit__
            except OSError as error:
                raise Invalid(f"{source} cannot be read: {error.strerror}.") from None
        self._file = source
        self._start, self.size = _place(source)
        if source is not None and self.size == 0:
            self.__exit__()
            raise Invalid("The file is empty.")  # an empty body would load the service's own

    @property
    def rewindable(self) -> bool:
        """Whether it can be sent a second time."""
        return self._file is None or self._start is not None

    @property
    def headers(self) -> dict[str, str]:
        if self._file is None:
            return {}
        length = {} if self.size is None else {"Content-Length": str(self.size)}
        return {"Content-Type": "application/octet-stream"} | length

    def body(self) -> Iterator[bytes] | bytes:
        """All of it, from the beginning."""
        if self._file is None:
            return b""
        if self._start is not None:
            self._file.seek(self._start)
        return self._chunks(self._file)

    def _chunks(self, file: IO[bytes]) -> Iterator[bytes]:
        sent = 0
        while chunk := file.read(CHUNK):
            yield chunk
            sent += len(chunk)
            if self._progress is not None:
                self._progress(sent, self.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened is not None:
            self._opened.close()


def _place(file: IO[bytes] | None) -> tuple[int | None, int | None]:
    """Where a file stands, and the bytes from there to its end; None for a pipe."""
    try:
        if file is None:
            return None, None
        here = file.tell()
        size = file.seek(0, os.SEEK_END) - here
        file.seek(here)
        return here, size
    except (OSError, AttributeError, ValueError):
        return None, None
