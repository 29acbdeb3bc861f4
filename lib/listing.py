"""Pages of jobs, the newest first, by state, operation, time and text. Part of `lib.jobs.Jobs`; nothing here changes anything.

A page comes from a sorted set by cursor. Where the set alone cannot tell which jobs belong on it, a page looks at a bounded
number of records, a few fields of each, and says how far back it has looked: it costs the same with a million jobs.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from lib.errors import InvalidInput, UnknownJob
from lib.failures import check_fingerprint
from lib.reading import iso, text_of
from lib.records import ID, Job, check_cursor
from lib.states import STATUSES
from lib.store import Store

PAGE_LIMIT = 1_000
MOST_SEARCHED = 200  # characters of a text
_STEP = 500  # records in one call of the script, so that none blocks Redis for long
_STEPS = 20  # calls for one page
_STEPS_OF_TEXT = 10
Entry = tuple[bytes, float | bytes, bool]  # of an index: id and score as Redis has them, and whether it is wanted
_LAST_PLACE = 2.0**53 - 1  # microseconds, exact in a double, and no more digits than a cursor may have


@dataclass(frozen=True)
class Page:
    """Jobs, the newest first, and the cursor of the next page; None on the last.

    `searched_to` is set where the page ended because it had looked at enough jobs: those submitted before it are for the next.
    """

    jobs: list[Job]
    cursor: str | None
    searched_to: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What jobs on a page have in common, beyond the index from which they are read."""

    status: str | None
    operation: str | None
    fingerprint: str | None
    batch: str | None
    text: "Text | None"

    def fits(self, job: Job) -> bool:
        """Whether a job is (still) one of them; without the text, which never changes but by another error."""
        return (
            self.status in (None, job.status)
            and self.operation in (None, job.operation)
            and self.fingerprint in (None, job.fingerprint)
            and self.batch in (None, job.batch)
        )

    def sieves(self, jid: bytes, status: bytes, operation: bytes, *rest: bytes) -> bool:
        """As `fits`, of single fields, and with the text."""
        if self.status not in (None, text_of(status)) or self.operation not in (None, text_of(operation)):
            return False
        return self.text is None or self.text.within(jid, operation, *rest)


class Text:
    """A text that is looked for in any case: at the beginning of an id, in operation, submitter, parameters or error."""

    def __init__(self, text: str) -> None:
        self.plain = text.casefold()
        self.quoted = json.dumps(text, ensure_ascii=False)[1:-1].casefold()  # as JSON has it

    def within(self, jid: bytes, operation: bytes, by: bytes, given: bytes, error: bytes) -> bool:
        """Whether it stands in a job, whose fields are those of its record."""
        words = _readable(b"\n".join((jid, operation, by, given, error)))  # thousands are looked at, and few have it anywhere
        if self.plain not in words and self.quoted not in words:
            return False
        if _readable(jid).startswith(self.plain) or self.plain in _readable(operation) or self.plain in _readable(by):
            return True
        params = _readable(_part(given, "params"))
        if self.plain in params or self.quoted in params:
            return True
        message = _readable(_part(error, "message"))
        return self.plain in message or self.quoted in message


def _part(field: bytes, name: str) -> bytes:
    """A member of an object, or the whole where it has none of that name or was cut, as JSON."""
    try:
        value = orjson.loads(field or b"{}")
    except orjson.JSONDecodeError:
        return field
    return orjson.dumps(value.get(name, value) if isinstance(value, dict) else value)


def _readable(field: bytes) -> str:
    return field.decode("utf-8", "replace").casefold()


class Listing:
    """Pages of jobs."""

    store: Store
    get: Callable[[str], Job]
    get_many: Callable[[Sequence[str], bool], list[Job | None]]

    def page(
        self,
        *,
        status: str | None = None,
        operation: str | None = None,
        fingerprint: str | None = None,
        batch: str | None = None,
        search: str | None = None,
        since: float | None = None,
        until: float | None = None,
        cursor: str | None = None,
        limit: int = 50,
        brief: bool = False,
    ) -> Page:
        """A page of jobs, the newest first.

        Args:
            status: only jobs in this state.
            operation: only jobs of this operation; a page looks at no more than 10,000 jobs and may then be short.
            fingerprint: only failed jobs that are alike; `Job.fingerprint` of one of them.
            batch: only jobs of this batch.
            search: only jobs whose id begins with this text, or whose operation, submitter, parameters or error message contain
                it, in any case; a page looks at no more than 5,000 jobs, and at the first 4 KiB of what each was given. The id
                of a job in full finds that job, however old.
            since, until: submitted from then on, and before then; seconds since 1970.
            cursor: of the page before.
            brief: the jobs without what may be large, as `get_many` has it.

        Raises: InvalidInput naming the argument.
        """
        _check(status, batch, search, limit)
        check_cursor(cursor)
        check_fingerprint(fingerprint)
        wanted = Wanted(status, operation, fingerprint, batch, Text(search) if search else None)
        narrow = {f"failures.{fingerprint}": fingerprint, f"batch.{batch}.jobs": batch, f"jobs.{status}": status, "jobs": True}
        index = next(name for name, given in narrow.items() if given)
        low = "-inf" if since is None else str(int(since * 1e6))
        high = f"({cursor}" if cursor is not None else ("+inf" if until is None else f"({int(until * 1e6)}")
        job = self._named(search) if search and cursor is None else None
        if job is not None and wanted.fits(job) and _between(since, job.seq / 1e6, until):
            return Page([job], None)
        sieve = bool(operation or search or sum(map(bool, (fingerprint, batch, status))) > 1)
        return self._found(index, wanted, high, low, limit, sieve, brief)

    def _found(self, index: str, wanted: Wanted, high: str, low: str, limit: int, sieve: bool, brief: bool) -> Page:
        found: list[Job] = []
        step = _STEP if sieve else limit
        for _ in range(_STEPS_OF_TEXT if wanted.text else _STEPS):
            read = self._sift(index, high, low, step, wanted) if sieve else self._ids(index, high, low, step)
            places = {text_of(jid): _place(score) for jid, score, fits in read if fits}
            chosen = list(places)
            while chosen and len(found) < limit:
                part, chosen = chosen[: limit - len(found)], chosen[limit - len(found) :]
                # A record may change its state, or go, between the index and the read.
                found += [job for job in self.get_many(part, brief) if job is not None and wanted.fits(job)]
            if len(found) == limit:
                return Page(found, places[found[-1].id])
            if len(read) < step:
                return Page(found, None)
            high = f"({_place(read[-1][1])}"
        return Page(found, high[1:], iso(int(high[1:]) / 1e6))

    def _ids(self, index: str, high: str, low: str, count: int) -> list[Entry]:
        """Entries of an index."""
        key = self.store.prefix + index
        ids = self.store.read(lambda rd: rd.zrevrangebyscore(key, high, low, 0, count, withscores=True))
        return [(jid, score, True) for jid, score in ids]

    def _sift(self, index: str, high: str, low: str, count: int, wanted: Wanted) -> list[Entry]:
        """As `_ids`, and whether each is wanted; of the records only a few fields are read."""
        reply: list[Any] = self.store.run("sift", index, high, low, count)
        return [
            (jid, score, wanted.sieves(jid, *[field or b"" for field in fields]))
            for jid, score, fields in zip(reply[::3], reply[1::3], reply[2::3], strict=True)
        ]

    def _named(self, jid: str) -> Job | None:
        try:
            return self.get(jid) if ID.match(jid) else None
        except UnknownJob:
            return None


def _place(score: float | bytes) -> str:
    """A score as the cursor of a page. Other programs may have set one that is no time."""
    return f"{min(max(float(score), 0.0), _LAST_PLACE) + 0.0:.0f}"


def _between(since: float | None, moment: float, until: float | None) -> bool:
    return (since is None or since <= moment) and (until is None or moment < until)


def _check(status: str | None, batch: str | None, search: str | None, limit: int) -> None:
    if status is not None and status not in STATUSES:
        raise InvalidInput("status", f"{status!r} is not one of {', '.join(STATUSES)}")
    if not 1 <= limit <= PAGE_LIMIT:
        raise InvalidInput("limit", f"must be 1 to {PAGE_LIMIT}")
    if search is not None and len(search) > MOST_SEARCHED:
        raise InvalidInput("search", f"must be at most {MOST_SEARCHED} characters")
    if batch is not None and not ID.match(batch):
        raise InvalidInput("batch", "must be the id of a batch")
