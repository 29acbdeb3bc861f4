"""The form of a backup: entries, one after another, in one gzip stream, from a first one that says what this is to a last one
with the SHA-256 of all before it. `gzip -t` sees whether a file is whole.

An entry is a line of JSON (kind, name, what else is said of it, number of values), the lengths of its values as 32-bit numbers
(little-endian), and the values, which are bytes. It imports nothing of lib: the public package, which must not either, has it
under a name of its own, by a link to this file.
"""

import hashlib
import itertools
import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

FORMAT = "trafficjobs backup"
VERSION = 1
END = "end"
_PIECE = 1 << 18  # bytes that are compressed at once, and of what is unpacked at once
_LONGEST_LINE = 1 << 16
_LONGEST_ENTRY = 1 << 30  # bytes of the values of one entry; the largest job is far smaller
_GZIP = 31  # zlib's name of the format with header and checksum


class BrokenBackup(Exception):
    """This is no backup, or not a whole one, or one of a newer form; the message says which."""


@dataclass(frozen=True)
class Entry:
    """One thing of a release: its kind, its name, and its values; `about` has what else is said of it."""

    kind: str
    name: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    values: list[bytes] = field(default_factory=list)

    def packed(self) -> bytes:
        """Its bytes."""
        head = json.dumps([self.kind, self.name, self.about, len(self.values)], separators=(",", ":")).encode()
        sizes = struct.pack(f"<{len(self.values)}I", *map(len, self.values))
        return b"".join((head, b"\n", sizes, *self.values))


def packed(entries: Iterable[Entry], about: dict[str, Any]) -> Iterator[bytes]:
    """A backup of these entries, piece by piece.

    Args:
        about: what its first entry says of it beside its form.
    """
    compressor, digest, pending = zlib.compressobj(1, wbits=_GZIP), hashlib.sha256(), bytearray()
    number = 0

    def all_entries() -> Iterator[Entry]:
        nonlocal number
        yield Entry("backup", FORMAT, {"version": VERSION, **about})
        for entry in entries:
            number += 1
            yield entry

    for entry in all_entries():
        digest.update(made := entry.packed())
        pending += made
        if len(pending) >= _PIECE:
            yield compressor.compress(pending)
            pending.clear()
    pending += Entry(END, "", {"entries": number, "sha256": digest.hexdigest()}).packed()
    yield compressor.compress(pending) + compressor.flush()


class Unpacker:
    """Reads a backup from bytes as they come: `about` is there once the first entry was read.

    Args:
        pieces: of the file, of any size.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._plain = _unzipped(pieces)
        self._buffer = bytearray()
        self._digest = hashlib.sha256()
        self.about: dict[str, Any] = {}

    def entries(self) -> Iterator[Entry]:
        """All but the first and the last; after the last of them the whole file has proved to be unharmed.

        Raises: BrokenBackup.
        """
        first = self._next()
        if first.kind != "backup" or first.name != FORMAT:
            raise BrokenBackup("This is no backup of trafficjobs.")
        self.about = first.about
        if not isinstance(version := first.about.get("version"), int) or version > VERSION:
            raise BrokenBackup(
                f"This backup has form {version}, made by trafficjobs {str(first.about.get('made_by'))[:40]}, and this version"
                f" reads up to form {VERSION}: restore it with that version or a newer one."
            )
        number = 0
        while True:
            before = self._digest.hexdigest()
            entry = self._next()
            if entry.kind == END:
                break
            number += 1
            yield entry
        if (entry.about.get("sha256"), entry.about.get("entries")) != (before, number):
            raise BrokenBackup("The backup is damaged: its content does not fit its checksum.")
        if self._buffer or any(self._plain):
            raise BrokenBackup("The backup is damaged: something follows its end.")

    def _next(self) -> Entry:
        try:
            kind, name, about, number = json.loads(head := self._line())
            if not (isinstance(kind, str) and isinstance(name, str) and isinstance(about, dict)):
                raise ValueError
            lengths = self._take(4 * number)
            sizes = struct.unpack(f"<{number}I", lengths)
            if sum(sizes) > _LONGEST_ENTRY:
                raise ValueError
        except (ValueError, TypeError, struct.error):
            raise BrokenBackup("This is no backup of trafficjobs, or a damaged one.") from None
        block = self._take(sum(sizes))
        ends = list(itertools.accumulate(sizes, initial=0))
        values = [block[start:end] for start, end in itertools.pairwise(ends)]
        for part in (head, lengths, block):
            self._digest.update(part)
        return Entry(kind, name, about, values)

    def _line(self) -> bytes:
        place = -1
        while (place := self._buffer.find(b"\n", 0, _LONGEST_LINE)) < 0:
            if len(self._buffer) >= _LONGEST_LINE:
                raise ValueError
            self._more()
        return self._cut(place + 1)

    def _take(self, size: int) -> bytes:
        if not isinstance(size, int) or size < 0 or size > _LONGEST_ENTRY:
            raise ValueError
        while len(self._buffer) < size:
            self._more()
        return self._cut(size)

    def _cut(self, size: int) -> bytes:
        found = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return found

    def _more(self) -> None:
        piece = next(self._plain, None)
        if piece is None:
            raise BrokenBackup("The backup is cut off: its end is missing.")
        self._buffer += piece


def _unzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What a gzip stream holds, in pieces of bounded size. Raises BrokenBackup."""
    unzip = zlib.decompressobj(wbits=_GZIP)
    try:
        for piece in pieces:
            if unzip.eof and piece:
                raise BrokenBackup("The backup is damaged: something follows its end.")
            waiting = piece
            while waiting and not unzip.eof:
                if found := unzip.decompress(waiting, _PIECE):
                    yield found
                waiting = unzip.unconsumed_tail
            if unzip.unused_data:
                raise BrokenBackup("The backup is damaged: something follows its end.")
        while not unzip.eof and (found := unzip.decompress(unzip.unconsumed_tail, _PIECE)):
            yield found
    except zlib.error:
        raise BrokenBackup("This is no backup of trafficjobs, or a damaged one.") from None
    if not unzip.eof:
        raise BrokenBackup("The backup is cut off: its end is missing.")


def checked(pieces: Iterable[bytes]) -> dict[str, Any]:
    """Read all of a backup and return what its first entry says. Raises BrokenBackup."""
    unpacker = Unpacker(pieces)
    for _ in unpacker.entries():
        pass
    return unpacker.about
