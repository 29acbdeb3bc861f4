"""What has lost its other half: waiting jobs in no list, running ones without a lease, ids without a record, keys without owner.

Numbers are compared first, which costs the same with any number of jobs; then a sample of ids and of keys is looked at, and
what was seen says how many. Whatever is found is looked at once more, since jobs move meanwhile. Nothing is repaired here.
"""

from collections.abc import Callable, Iterator
from typing import Any

from lib.examination.finding import OK, WARNING, Finding
from lib.examination.look import Look
from lib.states import IN_PROGRESS, SCHEDULED, STATUSES

SAMPLE = 500  # ids of one sorted set
SCANS, SCANNED = 20, 500  # rounds through the keys, and keys of each
_REPAIRED = "upkeep repairs it within VERIFY_INTERVAL; where it stays, look at the log of upkeep"
_PARTS = (b".log", b".files", b".dependents", b".deliveries")  # what a record owns, without an expiry


def orphans(look: Look) -> Iterator[Finding]:
    """Everything that is at odds, with samples where all of it would be too much."""
    trouble = _odds(look)
    if trouble:
        again = _odds(look)
        trouble = [what for what in trouble if what in again]
    for what in trouble:
        yield Finding("orphans", WARNING, what, _REPAIRED)
    ids, astray = _ids(look)
    for key, found in astray.items():
        remedy = "upkeep drops them when their time comes; where they stay: redis-cli ZREM KEY ID"
        yield Finding("orphans", WARNING, f"{len(found)} ids in {key} have no record, such as {found[0]}", remedy)
    keys, owned_by_none = _keys(look)
    if owned_by_none:
        seen = f"{len(owned_by_none)} keys belong to nothing and never expire, such as {owned_by_none[0]}"
        yield Finding("orphans", WARNING, seen, "remove them: redis-cli UNLINK KEY")
    if not (trouble or astray or owned_by_none):
        total = look.store.read(lambda rd: rd.dbsize())
        seen = f"lists, leases and records agree in number; {ids} ids and {keys} of {total} keys were looked at"
        yield Finding("orphans", OK, seen)


def _odds(look: Look) -> list[str]:
    """Numbers that should agree and do not. More entries than jobs are none: programs push to the lists as well."""
    found, queues, counts = [], look.jobs.queues(), look.jobs.counts()
    for queue in queues:
        unlisted = sum(queue.waiting.values()) - (sum(queue.entries.values()) - queue.dead)
        if unlisted > 0:
            found.append(f"{unlisted} jobs of {queue.name} wait and stand in no list")
    leases = sum(_call(look.store.look, "zcard", f"{look.store.prefix}{each.name}.leases") for each in queues)
    if counts[IN_PROGRESS] > leases:
        found.append(f"{counts[IN_PROGRESS] - leases} jobs are in progress without a lease")
    if counts[SCHEDULED] > (scheduled := sum(each.scheduled for each in queues)):
        found.append(f"{counts[SCHEDULED] - scheduled} jobs are scheduled and stand in no schedule of a queue")
    return found


def _ids(look: Look) -> tuple[int, dict[str, list[str]]]:
    """How many ids were looked at, and those without a record, by the sorted set in which they stand."""
    prefix, looked, astray = look.store.prefix, 0, dict[str, list[str]]()
    places: list[tuple[str, Callable[..., Any]]] = [
        (f"{prefix}{name}", look.store.read) for name in (*(f"jobs.{each}" for each in STATUSES), "jobs", "jobs.expiry")
    ]
    for queue in look.settings.all_queues:
        for part in ("leases", "waiting", "scheduled", "unserved", "limited"):
            places.append((f"{prefix}{queue}.{part}", look.store.look))
    for key, ask in places:
        ids: list[bytes] = _call(ask, "zrange", key, 0, SAMPLE - 1)
        looked += len(ids)
        there = _exist(look, [prefix.encode() + b"job." + jid for jid in ids])
        missing = [jid for jid, record in zip(ids, there, strict=True) if not record]
        still = [_call(ask, "zscore", key, jid) is not None for jid in missing]
        if any(still):
            astray[key] = [jid.decode("utf-8", "replace") for jid, stands in zip(missing, still, strict=True) if stands]
    return looked, astray


def _keys(look: Look) -> tuple[int, list[str]]:
    """How many keys were looked at, and those that belong to nothing: parts of jobs, chunks of versions and uploads."""
    prefix, owners = look.store.prefix.encode(), dict[bytes, bytes]()
    cursor, looked = 0, 0
    for _ in range(SCANS):
        cursor, keys = _call(look.store.read, "scan", cursor, None, SCANNED)
        looked += len(keys)
        owners |= {key: owner for key in keys if (owner := _owner(key, prefix)) is not None}
        if not cursor:
            break
    suspects = list(owners)
    there = _exist(look, [owners[key] for key in suspects])
    alone = [key for key, record in zip(suspects, there, strict=True) if not record]
    lives = _each(look, "pttl", alone)
    return looked, sorted(key.decode("utf-8", "replace") for key, life in zip(alone, lives, strict=True) if life == -1)


def _owner(key: bytes, prefix: bytes) -> bytes | None:
    """The key without which this one should not be there; None for one that belongs to itself."""
    if not key.startswith((prefix + b"job.", prefix + b"data.v-", prefix + b"uploads.")):
        return None
    stem, dot, end = key.rpartition(b".")
    if key.startswith(prefix + b"job."):
        return stem if dot + end in _PARTS else None
    if key.startswith(prefix + b"data."):
        return stem if end.isdigit() else None
    return stem if end.isdigit() and stem != prefix + b"uploads" else prefix + b"uploads"  # each carries an expiry of its own


def _exist(look: Look, keys: list[Any]) -> list[int]:
    """1 or 0 for each key; one command where all are there."""
    if keys and _call(look.store.read, "exists", *keys) == len(keys):
        return [1] * len(keys)
    return _each(look, "exists", keys)


def _call(ask: Callable[..., Any], command: str, *args: Any) -> Any:
    """One command, by `Store.read` or `Store.look`."""
    return ask(lambda client: getattr(client, command)(*args))


def _each(look: Look, command: str, keys: list[Any]) -> list[int]:
    """The answer to one command for each of these keys of the records."""

    def ask(rd: Any) -> list[int]:
        pipeline = rd.pipeline(transaction=False)
        for key in keys:
            getattr(pipeline, command)(key)
        found: list[int] = pipeline.execute()
        return found

    found: list[int] = look.store.read(ask) if keys else []
    return found
