"""A stream of bytes on its way to a parser, checked while it passes: UTF-8, no byte order mark, no archive, not empty.

`lib.incidents` reads every file through it, so that all formats report encodings in the same words. It keeps one block.
"""

import codecs
from collections.abc import Callable
from typing import Protocol

from lib.errors import InvalidInput

BLOCK_BYTES = 4 * 2**20
_NOT_TEXT = {
    b"\x1f\x8b": "is compressed (gzip); unpack it first",
    b"PK\x03\x04": "is a ZIP archive or a spreadsheet; save it as CSV",
    b"PAR1": "is a Parquet file; save it as CSV",
    b"\xff\xfe": "is encoded in UTF-16; save it as UTF-8",
    b"\xfe\xff": "is encoded in UTF-16; save it as UTF-8",
    b"<": "is HTML or XML, perhaps an error page of the download",
}


class ByteStream(Protocol):
    """Anything with `read(n)`: an upload in Redis, an open file."""

    def read(self, size: int = -1, /) -> bytes: ...


class CheckedText:
    """A byte stream that is valid UTF-8 without a byte order mark, or raises; its beginning can be looked at first."""

    closed = False

    def __init__(self, stream: ByteStream, on_bytes: Callable[[int], None]) -> None:
        self._stream = stream
        self._on_bytes = on_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ahead: bytes | None = None
        self._read = 0
        self._lines = 0

    def begin(self) -> bytes:
        """The first block, which `read` gives again, without blanks in front.

        Raises:
            InvalidInput: the file is empty or of a kind that is not read.
        """
        if self._ahead is None:
            first = self._stream.read(BLOCK_BYTES)
            for magic, problem in _NOT_TEXT.items():
                if first.startswith(magic):
                    raise InvalidInput("data", f"the file {problem}")
            self._ahead = self._checked(first.removeprefix(codecs.BOM_UTF8)).lstrip()
            if not self._ahead:
                raise InvalidInput("data", "the file is empty")
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        if self._ahead:
            data, self._ahead = (self._ahead[:size], self._ahead[size:]) if size >= 0 else (self._ahead, b"")
            return data
        return self._checked(self._stream.read(size))

    def _checked(self, data: bytes) -> bytes:
        try:
            self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            line = self._lines + data[: error.start].count(b"\n") + 1
            raise InvalidInput(
                "data", f"the file is not UTF-8: line {line} holds the byte 0x{error.object[error.start]:02x}"
            ) from None
        self._lines += data.count(b"\n")
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
