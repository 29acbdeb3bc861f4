"""The file of tokens: who may sign in, as hashes, read again when it changes while the API runs.

A request looks at the file's metadata at most once a second. A line that is none is logged by its number and left out; a
file that is not there lets nobody in. The tokens themselves are nowhere, here or in the file.
"""

import hashlib
import hmac
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from lib.jobs import Quota

LOOK_EVERY = 1.0  # seconds
SETTLED = 2.0  # seconds after a change for which the file is read again, since a clock may be too coarse to show two
MOST_BYTES = 2**20
LONGEST_TOKEN = 512  # characters
_LINE = re.compile(
    r"([A-Za-z0-9_.-]{1,64})[ \t]+(view|submit|admin)[ \t]+([0-9a-fA-F]{64})"
    r"(?:[ \t]+pending=(\d{1,9}))?(?:[ \t]+per_minute=(\d{1,9}))?\Z",
    re.ASCII,
)

logger = logging.getLogger("trafficjobs.api")


class Role(IntEnum):
    """What a caller may do; each role may do everything below it. OPEN needs no token."""

    OPEN = 0
    VIEW = 1
    SUBMIT = 2
    ADMIN = 3


@dataclass(frozen=True)
class Caller:
    """Who signed in."""

    name: str
    role: Role
    quota: Quota | None = None


_Mark = tuple[int, ...]


class TokenFile:
    """The tokens of one file. Safe for threads; after a fork each process looks for itself.

    Args:
        path: may be a link, as in a mounted Secret, that is pointed elsewhere.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble: str | None = None
        self._entries: list[tuple[bytes, Caller]] = []
        self._mark: _Mark | None = None
        self._content: bytes | None = None
        self._looked = 0.0
        self._lock = threading.Lock()
        self.look()

    def find(self, token: str) -> Caller | None:
        """Who the token belongs to. Takes as long for any token, right or wrong."""
        digest = digest_of(token)
        return self._first(digest, lambda known: known)

    def of_session(self, session: bytes, proof: bytes) -> Caller | None:
        """Whose token made the proof of this session, as `proof_of` does; None where it is in the file no more."""
        return self._first(proof, lambda known: proof_of(known, session))

    def _first(self, wanted: bytes, made: Callable[[bytes], bytes]) -> Caller | None:
        if time.monotonic() - self._looked >= LOOK_EVERY:
            self.look()
        found = None
        for known, caller in self._entries:
            if hmac.compare_digest(made(known), wanted) and found is None:
                found = caller
        return found

    def look(self) -> None:
        """Read the file again if it has changed; other threads go on with what is known meanwhile."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._looked = time.monotonic()
            mark = _mark(self.path)
            if mark != self._mark:
                self._read()
                self._mark = mark
        except OSError as error:
            trouble = f"TOKENS_FILE {self.path} cannot be read: {error.strerror}; nobody can sign in"
            if trouble != self.trouble:
                logger.error("%s", trouble)
            self._entries, self._mark, self._content, self.trouble = [], None, None, trouble
        finally:
            self._lock.release()

    def _read(self) -> None:
        with self.path.open("rb") as file:
            content = file.read(MOST_BYTES)
        if content == self._content:
            return
        lines = content.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
        entries = []
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            parts = _LINE.match(line.strip())
            if parts is None:
                logger.warning(
                    "TOKENS_FILE %s: line %d is not `<name> <role> <sha256> [pending=N] [per_minute=N]` and is skipped",
                    self.path,
                    number,
                )
                continue
            limits = [int(number) if number else None for number in (parts[4], parts[5])]
            quota = Quota(*limits) if limits != [None, None] else None
            entries.append((bytes.fromhex(parts[3]), Caller(parts[1], Role[parts[2].upper()], quota)))
        self.trouble = None if entries else f"TOKENS_FILE {self.path} has no token; nobody can sign in"
        logger.info("TOKENS_FILE %s: %d tokens", self.path, len(entries))
        self._entries, self._content = entries, content


def digest_of(token: str) -> bytes:
    """What the file has of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")[:LONGEST_TOKEN]).digest()


def proof_of(digest: bytes, session: bytes) -> bytes:
    """What only who knows the digest of a token can make for a session, and what does not tell it."""
    return hmac.digest(digest, b"session " + session, "sha256")


def _mark(path: Path) -> _Mark:
    """What differs when the file does. A file that has changed just now may change again within a tick of its clock."""
    about = os.stat(path)
    young = time.monotonic_ns() if time.time() - about.st_mtime < SETTLED else 0
    return about.st_ino, about.st_dev, about.st_size, about.st_mtime_ns, about.st_ctime_ns, young
