"""Tokens for signing in, and the file of their hashes that the service reads: `<name> <role> <sha256 of the token>` a line,
perhaps with a quota.

The token itself is shown once, when it is made; the file never holds it. Comments and lines of other tokens stay as they
are, and the file may be changed while the service runs.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from trafficjobs.errors import Conflict, Invalid, NotFound
from trafficjobs.private_files import changed_alone, replace

ROLES = ("view", "submit", "admin")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z", re.ASCII)
_LINE = re.compile(
    r"([A-Za-z0-9_.-]{1,64})[ \t]+(\S+)[ \t]+([0-9a-fA-F]{64})"
    r"(?:[ \t]+pending=(\d{1,9}))?(?:[ \t]+per_minute=(\d{1,9}))?\Z",
    re.ASCII,
)


@dataclass(frozen=True)
class Entry:
    """One line of the file.

    Args:
        pending, per_minute: its quota: jobs that have not ended, and submits in a minute; None: as many as it likes.
    """

    name: str
    role: str
    sha256: str
    pending: int | None = None
    per_minute: int | None = None

    def __str__(self) -> str:
        quota = {"pending": self.pending, "per_minute": self.per_minute}
        limits = [f"{name}={number}" for name, number in quota.items() if number is not None]
        return " ".join([self.name, self.role, self.sha256, *limits])


def new(name: str, role: str, pending: int | None = None, per_minute: int | None = None) -> tuple[str, Entry]:
    """A fresh token and its line. Raises Invalid."""
    if not _NAME.match(name):
        raise Invalid(f"{name!r} is no name of a token; take 1 to 64 letters, digits, dots, - or _.")
    if role not in ROLES:
        raise Invalid(f"{role!r} is no role; take one of {', '.join(ROLES)}.")
    token = f"tj_{secrets.token_urlsafe(32)}"
    return token, Entry(name, role, hashlib.sha256(token.encode()).hexdigest(), pending, per_minute)


def entries(path: Path) -> list[Entry]:
    """The tokens of a file, in its order. Raises Invalid naming the line that is none, NotFound."""
    found = []
    for number, line in enumerate(_lines(path), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = _LINE.match(line.strip())
        if not parts or parts[2] not in ROLES:
            what = f"<name> <{'|'.join(ROLES)}> <sha256 of the token> [pending=N] [per_minute=N]"
            raise Invalid(f"{path}, line {number}: it must read {what}.")
        quota = [int(number) if number else None for number in (parts[4], parts[5])]
        found.append(Entry(parts[1], parts[2], parts[3].lower(), *quota))
    return found


def add(path: Path, entry: Entry) -> None:
    """Add a line; makes the file if need be. Raises Conflict where the name is taken."""
    with changed_alone(path):
        known, lines = (entries(path), _lines(path)) if path.exists() else ([], [])
        if any(one.name == entry.name for one in known):
            raise Conflict(f"{path} has a token {entry.name} already; revoke it first, or take another name.")
        replace(path, "".join(f"{line}\n" for line in [*lines, str(entry)]), shared=True)


def remove(path: Path, name: str) -> Entry:
    """Remove a token's line. Raises NotFound."""
    with changed_alone(path):
        gone = next((one for one in entries(path) if one.name == name), None)
        if gone is None:
            raise NotFound(f"{path} has no token {name}; `trafficjobs token list --file {path}` shows those it has.")
        kept = [line for line in _lines(path) if line.lstrip().startswith("#") or line.split()[:1] != [name]]
        replace(path, "".join(f"{line}\n" for line in kept), shared=True)
    return gone


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}; `trafficjobs token new NAME --role submit --file {path}` makes it.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read: {error}.") from None
