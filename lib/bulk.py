"""Cancel, retry or delete each of some jobs, whatever becomes of the others. Part of `lib.jobs.Jobs`.

A read for all of them, then a script for every hundred: the cost is that of the jobs, and no call blocks Redis for long.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lib.errors import JobsError
from lib.reading import number_of, text_of
from lib.records import ID
from lib.store import Store, text

MOST_AT_ONCE = 1_000
_CHUNK = 100  # jobs in one call of the script
Action = Literal["cancel", "retry", "delete"]


@dataclass(frozen=True)
class Head:
    """Of a job's record what a change of it needs: whose it is, and the number of its run."""

    by: str | None
    run: int


class Bulk:
    """Many jobs at once."""

    store: Store
    _cancelled: Callable[..., str]
    _retried: Callable[..., bool]
    _deleted: Callable[..., None]

    def heads(self, ids: Sequence[str]) -> dict[str, Head]:
        """Those of these jobs that there are, in one round trip."""
        possible = [jid for jid in dict.fromkeys(ids) if ID.match(jid)]

        def ask(pipeline: Any) -> None:
            for jid in possible:
                pipeline.hmget(f"{self.store.prefix}job.{jid}", "status", "by", "run")

        found = self.store.read_each(ask) if possible else []
        return {
            jid: Head(text_of(fields[1]) if fields[1] else None, number_of(fields[2]))
            for jid, fields in zip(possible, found, strict=True)
            if fields is not None and fields[0] not in (None, b"deleted")
        }

    def each(self, action: Action, heads: Mapping[str, Head], by: str = "") -> dict[str, str | JobsError]:
        """Cancel, retry or delete each job, in this order; by id `cancelled`, `in-progress` (its worker was told),
        `retried` or `deleted`, or why it could not be.

        Args:
            heads: what `heads` answered; a call that is repeated with them retries a job once.
            by: who wants it.

        Raises: StoreUnavailable; what was done before stays done.
        """
        done: dict[str, str | JobsError] = {}
        todo = list(heads.items())
        for at in range(0, len(todo), _CHUNK):
            part = todo[at : at + _CHUNK]
            replies = text(self.store.run("each", action, by, *(word for jid, head in part for word in (jid, head.run))))
            for (jid, head), reply in zip(part, replies, strict=True):
                try:
                    done[jid] = self._meaning(action, jid, head.run, reply)
                except JobsError as error:
                    done[jid] = error
        return done

    def _meaning(self, action: Action, jid: str, run: int, reply: list[str]) -> str:
        if action == "cancel":
            return self._cancelled(jid, *reply)
        if action == "retry":
            self._retried(jid, run, *reply)
            return "retried"
        self._deleted(jid, *reply)
        return "deleted"
