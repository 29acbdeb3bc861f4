"""The side of the client that backs a service up and restores it. Part of `Client`.

A backup stands under its name only once all of it is there and on disk. A file is looked through before it is sent, so that a
damaged one disturbs no service.
"""

import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

from trafficjobs import uploads
from trafficjobs.backup_form import BrokenBackup, checked
from trafficjobs.errors import Invalid, Unavailable
from trafficjobs.private_files import written
from trafficjobs.shapes import RestoredRelease
from trafficjobs.steps import Steps, call
from trafficjobs.transport import Transport

_SILENCE = 600.0  # seconds; putting a large release in place says nothing until it is done


class Backups:
    """A service as a whole."""

    _transport: Transport

    @call
    def backup(self, target: str | Path | IO[bytes], *, progress: uploads.Progress | None = None) -> Steps[int]:
        """Write all that the service holds, as of one moment, to a file; its size in bytes.

        Args:
            target: a path, whose file is replaced once the new one is whole, readable by its owner alone; or a file opened in
                binary mode.
            progress: called with the bytes that have come, and None.

        Raises: Forbidden below the role admin, Conflict, Unavailable where it breaks off in the middle.
        """
        with _opened(target) as file:
            size, whole = 0, zlib.decompressobj(wbits=31)
            yield from self._transport.opened("/backup", {"Accept": "application/gzip", "Accept-Encoding": "identity"}, _SILENCE)
            while (piece := (yield from self._transport.piece())) is not None:
                file.write(piece)
                size += len(piece)
                _follow(whole, piece)
                if progress is not None:
                    progress(size, None)
            if not whole.eof:
                raise Unavailable("The backup broke off in the middle; the service's log may say why. Make it again.")
        return size

    @call
    def restore(
        self, source: str | Path | IO[bytes], *, replace: bool = False, progress: uploads.Progress | None = None
    ) -> Steps[RestoredRelease]:
        """Restore a backup into the service, which must be empty; what was put in place.

        Args:
            source: a path, or a file opened in binary mode.
            replace: take away all that the service holds.
            progress: called with the bytes sent and, where they are known, those in all.

        Raises: Invalid where it is no whole backup; Conflict where the service holds something; Forbidden, Unavailable.
        """
        with uploads.Upload(source, progress) as upload:
            if upload.rewindable:
                _look_through(upload.body())
            options: dict[str, Any] = {"params": {"replace": "true" if replace else "false"}, "headers": upload.headers}
            options |= {"repeatable": False, "timeout": _SILENCE}
            found: RestoredRelease = yield from self._transport.json("POST", "/restore", body=upload.body, **options)
            return found


def _look_through(body: Iterator[bytes] | bytes) -> None:
    try:
        checked([body] if isinstance(body, bytes) else body)
    except BrokenBackup as error:
        raise Invalid(str(error)) from None


def _follow(whole: Any, piece: bytes) -> None:
    """Unpack what has come, to see that it fits its checksums."""
    try:
        waiting = piece
        while waiting and not whole.eof:
            whole.decompress(waiting, 1 << 20)
            waiting = whole.unconsumed_tail
    except zlib.error:
        raise Unavailable("What the service sent is damaged; make the backup again.") from None


def _opened(target: str | Path | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    return written(Path(target)) if isinstance(target, str | Path) else nullcontext(target)
