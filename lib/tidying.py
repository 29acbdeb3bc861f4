"""The duty that tidies up after other programs: what they put in the place of our keys goes aside, what was lost is made anew.

Part of upkeep (`lib.upkeep`). Scripts lay aside whatever they meet themselves (`parts/damage.lua`); this finds what none of them
has met, says in the log what was found, and enters records anew where an index is gone. A pass that is broken off is made whole
by this process's next round, or by another one that begins within a minute; who begins later makes none without a new finding.
"""

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

from lib.store import Store

logger = logging.getLogger("trafficjobs.upkeep")

_BATCH = 500  # jobs in one call of tidy
_PART = 100  # records in one call of reindex
_SCANNED = 1_000  # keys in one look
_KINDS = re.compile(rb"(job|schedule|batch|delivery)\.([A-Za-z0-9_-]+)\Z")
_ASIDE = b"; it is kept as "  # of the words of parts/damage.lua
_TOLD_ANEW = 60  # seconds
# Keys of one thing, whose loss is its own.
_OF_ONE = re.compile(
    rb"(job|delivery|batch|schedule|worker|control|unique|cache|idempotency|limit|rate|quota|failures|bell|noted|history)\."
)
_MOST_TOLD = 20  # log lines of one round


class _LockLost(Exception):
    """Another runner has the duties now, this one among them."""


class Tidying:
    """The duty of one runner.

    Args:
        lock: keeps upkeep's lock; False where another one has it.
    """

    def __init__(self, store: Store, lock: Callable[[], bool]) -> None:
        self._store = store
        self._lock = lock
        self._told: str | None = None  # when what was told last was found
        self._anew = False  # whether an index has gone since the last whole pass over all records

    def round(self) -> bool:
        """Tidy up; whether records were entered anew, so that lists and records are to be compared now."""
        while self._store.run("tidy", _BATCH, *self._store.settings.all_queues) >= _BATCH and self._lock():
            pass
        found = self._found()
        for words in found[:_MOST_TOLD]:
            logger.warning("Redis held what is not ours to hold: %s", words.decode("utf-8", "replace")[:300])
        if len(found) > _MOST_TOLD:
            logger.warning("... and %d more; /doctor shows some of them", len(found) - _MOST_TOLD)
        prefix = self._store.prefix.encode()
        self._anew |= any(_ASIDE in words and not _OF_ONE.match(words.removeprefix(prefix)) for words in found)
        if not self._anew:
            return False
        try:
            entered = self._reindex()
        except _LockLost:
            return False
        self._anew = False
        logger.warning("All records were looked at, and %d were entered anew", entered)
        return True

    def _found(self) -> list[bytes]:
        """What was found since the last look."""
        key = f"{self._store.prefix}damaged"
        if self._told is None:  # what was found long before this runner, another one has told
            self._told = str(self._store.read(lambda rd: rd.time())[0] - _TOLD_ANEW)
        found = self._store.read(lambda rd: rd.zrangebyscore(key, f"({self._told}", "+inf", withscores=True))
        if found:
            self._told = repr(found[-1][1])
        return [words for words, _ in found]

    def _reindex(self) -> int:
        """Enter all records anew; how many were missing. Raises _LockLost, StoreUnavailable."""
        entered = 0
        waiting: dict[bytes, list[bytes]] = {}
        for kind, identity in self._records():
            part = waiting.setdefault(kind, [])
            part.append(identity)
            if len(part) == _PART:
                entered += self._store.run("reindex", kind, *waiting.pop(kind))
        for kind, part in waiting.items():
            entered += self._store.run("reindex", kind, *part)
        return entered

    def _records(self) -> Iterator[tuple[bytes, bytes]]:
        """Kind and id of every record; some may come twice."""
        prefix, cursor = self._store.prefix.encode(), 0
        while True:
            keys: list[bytes]
            cursor, keys = self._store.read(_scanning(cursor))
            for key in keys:
                match = _KINDS.match(key.removeprefix(prefix)) if key.startswith(prefix) else None
                if match:
                    yield match[1], match[2]
            if not cursor:
                return
            if not self._lock():
                raise _LockLost


def _scanning(cursor: int) -> Callable[[Any], Any]:
    return lambda rd: rd.scan(cursor, None, _SCANNED)
