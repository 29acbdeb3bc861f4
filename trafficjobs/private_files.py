"""Files that hold secrets: mode 600 when they are made, replaced as a whole, changed by one program at a time.

Profiles, token files and backups are written through here. A program that is killed half-way leaves the old file as it was.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: the last writer wins, and the file is whole all the same
    fcntl = None  # type: ignore[assignment]


@contextmanager
def changed_alone(path: Path) -> Iterator[None]:
    """Keep other programs from changing `path` meanwhile; reading it is always possible. Makes its folder.

    The lock stands beside the file itself, so that all who come to it by links wait for each other.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, readable by its owner alone, which takes the place of `path` once all of it is on disk.

    A link is followed, not replaced. Where the block raises, `path` stays as it was.
    """
    path = path.resolve()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 600 by itself
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def replace(path: Path, text: str, shared: bool = False) -> None:
    """Write `text` as the whole of `path`, as `written` does.

    Args:
        shared: leave it to its owner and its group, who may have to read it; to all others it is closed.
    """
    with written(path) as file:
        file.write(text.encode())
        if shared:
            _be_as(path, file.fileno())


def _be_as(path: Path, descriptor: int) -> None:
    with suppress(FileNotFoundError):
        old, new = path.stat(), os.fstat(descriptor)
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            os.chown(descriptor, old.st_uid, old.st_gid)  # who may not do that shall not lock the others out, either
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode) & 0o660)
