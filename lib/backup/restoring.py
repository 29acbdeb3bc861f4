"""Puts a staged backup in place: from the first change to the last no script runs but those of the restore, so that nobody sees
or works on half of it.

`restore` does all of it; `go_on`, which upkeep calls, finishes one whose process died: the parts follow one another in Redis,
whoever calls them.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import orjson

from lib.backup.form import BrokenBackup
from lib.backup.staging import Staged, sweep_dead
from lib.errors import Conflict, StoreUnavailable
from lib.store import Store, text

logger = logging.getLogger("trafficjobs.restore")
_PART = 500  # jobs or entries in one call
_PATIENCE = 60.0  # seconds for which a part is tried again while Redis is away


@dataclass(frozen=True)
class Restored:
    """What was put in place. `made` is when the backup was made, ISO 8601 in UTC."""

    made: str
    made_by: str
    jobs: int
    seconds: float


class NotEmpty(Conflict):
    """The release holds something, and nobody said that it shall be replaced."""


def restore(store: Store, pieces: Iterable[bytes], replace: bool = False, by: str = "") -> Restored:
    """Restore a release from a file.

    Args:
        pieces: of the file.
        replace: take away what the release holds.
        by: who asks for it.

    Raises, with nothing changed:
        BrokenBackup: it is no backup, is damaged, or of a newer form.
        NotEmpty: there is something, and `replace` is not set.
        Conflict: another restore is being put in place.
        StoreFull: Redis has no room for it beside what is there.
        StoreUnavailable: Redis is away. Once parts are in place, upkeep goes on by itself when it is back.
    """
    began = time.monotonic()
    sweep_dead(store)
    staged = Staged(store)
    if not replace:
        _refuse_full(store)
    staged.load(pieces)
    try:
        made = datetime.fromisoformat(str(staged.about["made"]))
    except (KeyError, ValueError):
        staged.drop()
        raise BrokenBackup("The backup does not say when it was made.") from None
    try:
        _begin(store, staged, replace, made, by)
    except Conflict:
        staged.drop()
        raise
    jobs = _all_parts(store, staged.token)
    sweep_dead(store)
    return Restored(made.astimezone(UTC).isoformat(), str(staged.about.get("made_by", "")), jobs, time.monotonic() - began)


def go_on(store: Store) -> bool:
    """Finish a restore that was being put in place, if there is one, and sweep away what others have left; whether there was."""
    token = store.persist(lambda: store.queues.get(f"{store.prefix}restoring"), store.patience)
    if token is None:
        if store.persist(lambda: store.records.zcard(f"{store.prefix}restore.loads"), store.patience):
            sweep_dead(store)
        return False
    logger.warning("A restore is being put in place; going on with it")
    _all_parts(store, token.decode())
    sweep_dead(store)
    return True


def _refuse_full(store: Store) -> None:
    """Before anything is sent: `restore_begin` looks again when all is there."""
    for what in ("jobs", "batches", "schedules", "data.versions"):
        if number := store.persist(partial(store.records.zcard, store.prefix + what), store.patience):
            raise _not_empty(what, number)


def _not_empty(what: str, number: int) -> NotEmpty:
    return NotEmpty(
        f"The release is not empty: it has {number} {what}. Restore into an empty one, or say that all of it shall be replaced."
    )


def _begin(store: Store, staged: Staged, replace: bool, made: datetime, by: str) -> None:
    seconds, _ = store.persist(lambda: store.records.time(), store.patience)
    shift = max(0.0, seconds - made.timestamp())
    about = {"queues": orjson.dumps(store.settings.all_queues), "made": made.isoformat(), "by": by}
    fields = [part for pair in about.items() for part in pair]
    reply = text(store.run("restore_begin", staged.token, int(replace), f"{shift:.3f}", *fields))
    if reply[0] == "NOT EMPTY":
        raise _not_empty(reply[1], reply[2])
    if reply[0] == "BUSY":
        raise Conflict("Another restore is being put in place; try again when it is over.")
    if reply[0] == "GONE":
        raise Conflict("What was sent was swept away before it could be put in place; send it again.")


def _all_parts(store: Store, token: str) -> int:
    """Call for one part after another; how many jobs were put in place."""
    while True:
        reply = text(store.run("restore_step", token, _PART, patience=_PATIENCE))
        if reply[0] == "WAIT":
            time.sleep(float(reply[1]))
        elif reply[0] == "DONE":
            return int(store.persist(lambda: store.records.hget(f"{store.prefix}restore", "placed"), _PATIENCE) or 0)
        elif reply[0] == "NONE":
            raise StoreUnavailable("Another restore was begun meanwhile.")
