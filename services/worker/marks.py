"""What each child is doing, in a file that child and supervisor both map: the mark.

A child writes the token of its job before it runs it; whoever finds the child dead reads there which job it had
started. When the run is over, the mark stands without a deadline until its result was told.

The file lies in a folder that outlives the container, so that the next supervisor can report what its
predecessor left. Each slot has a sequence number, odd while it is written: a slot left odd by a death counts as no mark.
"""

import fcntl
import math
import mmap
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SLOT = 512  # bytes
# pid, started, deadline, external effects, memory limit, child, token, id, operation, why it was released
_FORMAT = struct.Struct("<i d d B Q 128s 32s 64s 64s 32s")
_SEQUENCE = struct.Struct("<Q")
_END, _END_AT = struct.Struct("<d B"), struct.calcsize("<i d")  # deadline and external effects


@dataclass(frozen=True)
class Mark:
    """What a slot says. Without a job, `token` is "". Times are of the monotonic clock of this machine."""

    child: str
    pid: int
    token: str = ""
    job: str = ""
    operation: str = ""
    started: float = 0.0
    deadline: float = 0.0
    external_effects: bool = False
    memory_limit: int = 0
    released: str = ""  # why the supervisor ended the run without a charge, where it has: the reason of its verdict

    @property
    def ended(self) -> bool:
        """Whether the run is over and its result alone is still to be told."""
        return self.deadline == math.inf


class Marks:
    """The mapped file: `slots` marks. One writer a slot; readers see a whole mark or None.

    Args:
        path: of the file; made with that many empty slots if `slots` is given, else opened.
    """

    def __init__(self, path: Path, slots: int | None = None) -> None:
        self.path = path
        if slots is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(_SLOT * slots))
        self._file = path.open("r+b")
        self.slots = os.fstat(self._file.fileno()).st_size // _SLOT
        self._map = mmap.mmap(self._file.fileno(), self.slots * _SLOT)

    def lock(self) -> bool:
        """Take the file for this process's life; False where a living supervisor has it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def write(self, slot: int, mark: Mark) -> None:
        """Say what the slot's child does now."""
        at = slot * _SLOT
        (sequence,) = _SEQUENCE.unpack_from(self._map, at)
        sequence += 1 + sequence % 2  # odd, also after a death in the middle of a write
        _SEQUENCE.pack_into(self._map, at, sequence)
        texts = [each.encode() for each in (mark.child, mark.token, mark.job, mark.operation, mark.released)]
        numbers = (mark.pid, mark.started, mark.deadline, mark.external_effects, mark.memory_limit)
        _FORMAT.pack_into(self._map, at + 8, *numbers, *texts)
        _SEQUENCE.pack_into(self._map, at, sequence + 1)

    def end(self, slot: int) -> None:
        """Say that the run in this slot is over: no time is too long any more, and what it does outside is done."""
        at = slot * _SLOT
        (sequence,) = _SEQUENCE.unpack_from(self._map, at)
        _SEQUENCE.pack_into(self._map, at, sequence + 1)
        _END.pack_into(self._map, at + 8 + _END_AT, math.inf, False)
        _SEQUENCE.pack_into(self._map, at, sequence + 2)

    def read(self, slot: int) -> Mark | None:
        """The slot's mark; None where it is empty or just being written."""
        at = slot * _SLOT
        (before,) = _SEQUENCE.unpack_from(self._map, at)
        if before == 0 or before % 2:
            return None
        pid, started, deadline, external, limit, *texts = _FORMAT.unpack_from(self._map, at + 8)
        (after,) = _SEQUENCE.unpack_from(self._map, at)
        if after != before:
            return None
        # A name that is too long is cut, maybe within a character.
        child, token, job, operation, released = (value.rstrip(b"\0").decode(errors="replace") for value in texts)
        return Mark(child, pid, token, job, operation, started, deadline, bool(external), limit, released)

    def clear(self, slot: int) -> None:
        """Forget a slot whose child was reported."""
        self._map[slot * _SLOT : (slot + 1) * _SLOT] = bytes(_SLOT)

    def remove(self) -> None:
        """Delete the file: everything in it was reported."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmap and close; this gives the lock back."""
        self._map.close()
        self._file.close()


def dead_predecessors(folder: Path) -> Iterator[Marks]:
    """Marks files whose supervisor is dead, one after another; each is locked while it is looked at, and closed afterwards."""
    for path in sorted(folder.glob("*.marks")):
        try:
            marks = Marks(path)
        except (OSError, ValueError):  # another one removed it, or it is empty
            continue
        try:
            if marks.lock():
                yield marks
        finally:
            marks.close()
