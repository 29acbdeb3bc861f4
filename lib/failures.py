"""Jobs that failed alike: groups of them by fingerprint, and many of them run again. Part of `lib.jobs.Jobs`.

A call costs the same with a million failed jobs: groups come in pages, and jobs are run again a chunk at a time.
"""

import re
import time
from dataclasses import dataclass

from lib.errors import InvalidInput
from lib.reading import iso
from lib.records import check_cursor
from lib.store import Store, text

PAGE_LIMIT = 100  # groups
_CHUNK = 100  # jobs in one call of the script, so that none blocks Redis for long
_FINGERPRINT = re.compile(r"[0-9a-f]{16}\Z")
_CURSOR = re.compile(r"([0-9]{1,16})-([0-9]{1,10}\.[0-9]{6})\Z")


@dataclass(frozen=True)
class FailureGroup:
    """Failed jobs that are alike; `type`, `reason`, `message` and `job` are those of the one submitted last."""

    fingerprint: str
    operation: str
    type: str
    reason: str
    message: str
    count: int
    first: str | None
    last: str | None
    job: str


@dataclass(frozen=True)
class Retried:
    """What a call has run again, how many it has not looked at yet, and the cursor to go on with; None at the end."""

    retried: int
    left: int
    cursor: str | None


class Failing:
    """What has failed, and how it is tried again."""

    store: Store

    def failures(self, cursor: str | None = None, limit: int = 50) -> tuple[list[FailureGroup], str | None]:
        """A page of the groups of failed jobs, those seen last first, and the cursor of the next page.

        Raises: InvalidInput naming the argument.
        """
        if not 1 <= limit <= PAGE_LIMIT:
            raise InvalidInput("limit", f"must be 1 to {PAGE_LIMIT}")
        check_cursor(cursor)
        found = text(self.store.run("failures", f"({cursor}" if cursor else "+inf", limit))
        groups = [
            FailureGroup(known_by, operation, kind, reason, message, count, iso(first), iso(float(seen) / 1e6), jid)
            for known_by, seen, count, first, jid, operation, kind, reason, message in found
        ]
        return groups, found[-1][1] if len(found) == limit else None

    def retry_failed(
        self,
        fingerprint: str | None = None,
        *,
        operation: str | None = None,
        queue: str | None = None,
        by: str | None = None,
        cursor: str | None = None,
        seconds: float = 1.0,
        asker: str = "",
    ) -> Retried:
        """Run failed jobs again, those submitted first first: all, or those that failed alike.

        Ends after `seconds`, or a chunk; `cursor` of its answer goes on, and never comes to what has failed again meanwhile.

        Args:
            operation, queue, by: only jobs of theirs.
            asker: who wants it, for the events.

        Raises: InvalidInput naming the argument; StoreFull.
        """
        check_fingerprint(fingerprint)
        after, failed_by = _place(cursor) if cursor is not None else ("0", self._moment())
        retried, give_up = 0, time.monotonic() + seconds
        while True:
            done, last, left = text(
                self.store.run(
                    "retry_failed", fingerprint or "", after, failed_by, _CHUNK, operation or "", queue or "", by or "", asker
                )
            )
            retried += done
            if not last:
                return Retried(retried, 0, None)
            after = last
            if time.monotonic() >= give_up:
                return Retried(retried, left, f"{after}-{failed_by}")

    def _moment(self) -> str:
        seconds, micros = self.store.read(lambda records: records.time())
        return f"{seconds}.{micros:06d}"


def check_fingerprint(value: str | None) -> None:
    """Raises InvalidInput where it is none."""
    if value is not None and not _FINGERPRINT.match(value):
        raise InvalidInput("fingerprint", f"must be 16 hex digits as GET /failures shows them, not {value[:40]!r}")


def _place(cursor: str) -> tuple[str, str]:
    found = _CURSOR.match(cursor)
    if found is None:
        raise InvalidInput("cursor", "must be the cursor that the call before answered with")
    return found[1], found[2]
