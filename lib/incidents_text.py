"""A stream of bytes on its way to a parser, inspected while it passes, without a byte order mark and blanks in front.

`lib.incidents_file` reads every file through it, so that all formats report encodings in the same words. It keeps one block.
"""

import codecs
from collections.abc import Callable
from typing import Protocol

from lib.incidents_beginning import HEAD_BYTES, LINE_BYTES, Inspector

BLOCK_BYTES = LINE_BYTES


class ByteStream(Protocol):
    """Anything with `read(n)`: an upload in Redis, an open file."""

    def read(self, size: int = -1, /) -> bytes: ...


class CheckedText:
    """A byte stream that is valid UTF-8 without a byte order mark, or raises; its beginning can be looked at first."""

    closed = False

    def __init__(self, stream: ByteStream, on_bytes: Callable[[int], None]) -> None:
        self._stream = stream
        self._on_bytes = on_bytes
        self._inspector = Inspector()
        self._ahead: bytes | None = None
        self._read = 0

    def begin(self) -> bytes:
        """The first block, which `read` gives again, without byte order mark and blanks in front.

        Raises:
            UnreadableFile: it is no beginning of a file of incidents.
        """
        if self._ahead is None:
            first = bytearray()
            while len(first) < HEAD_BYTES and (data := self._checked(self._stream.read(BLOCK_BYTES))):
                first += data
            self._ahead = bytes(first).removeprefix(codecs.BOM_UTF8).lstrip()
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        if self._ahead:
            data, self._ahead = (self._ahead[:size], self._ahead[size:]) if size >= 0 else (self._ahead, b"")
            return data
        return self._checked(self._stream.read(size))

    def _checked(self, data: bytes) -> bytes:
        if data:
            self._inspector.feed(data)
        else:
            self._inspector.end()
        self._read += len(data)
        self._on_bytes(self._read)
        return data

    # What pyarrow asks of a Python file.
    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True
