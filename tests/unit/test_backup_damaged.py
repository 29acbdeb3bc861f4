"""A backup whose records say nonsense where numbers belong is put in place all the same: each field harms its own job at most."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from lib.backup.form import Entry, packed
from lib.backup.taking import Taking
from lib.errors import StaleClaim
from lib.jobs import Claim, Jobs, Quota, Submission, complete
from lib.settings import Settings
from tests.unit.backups import QUEUE, busy, empty_release, end_one, of_two_queues, put

NONSENSE = [None, b"", b"soon", b"nan", b"inf", b"-1e300", b"1e300", b"9" * 16]
FIELDS = {
    "job": [
        *("v", "status", "queue", "priority", "ended", "result_ttl", "failed_ttl", "ready", "started", "attempt", "crashes"),
        *("releases", "needed", "run", "by", "unique", "quota", "batch", "depends_on", "data_version", "run_in", "limits"),
    ],
    "batch": ["ended", "ttl", "total", "complete", "created"],
    "schedule": ["next", "anchor", "every", "missed"],
    "delivery": ["next", "state", "tries"],
    "version": ["chunks", "created"],
}
ABOUT: dict[str, list[object]] = {
    "place": ["", "soon", "nan", "inf", "-1", "1e300"],
    "unique": [0, -1, 1, 10**18, 10**30],
}  # beside the record of a job


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return of_two_queues(settings)


@pytest.fixture
def other(settings: Settings) -> Iterator[Jobs]:
    with empty_release(settings) as queue:
        yield queue


@pytest.fixture
def entries(jobs: Jobs) -> list[Entry]:
    """Of a release in every state, with a job that runs, one with a quota, and a batch that has ended."""
    jobs.submit_batch([Submission("print", id="of-the-ended")], id="ended", queue=QUEUE)
    end_one(jobs)
    busy(jobs)
    jobs.submit(Submission("print", id="counted", by="ada", quota=Quota(pending=5)))
    jobs.submit(Submission("print", id="once", throttle=600))
    assert jobs.claim("child", "worker", [QUEUE]) is not None
    return list(Taking(jobs.store, "test")._entries())


def saying(entry: Entry, field: str, value: bytes | None) -> Entry:
    record = dict(zip(entry.values[::2], entry.values[1::2], strict=True))
    record.pop(field.encode(), None)
    if value is not None:
        record[field.encode()] = value
    return replace(entry, values=[part for item in record.items() for part in item])


def renamed(entry: Entry, more: str) -> Entry:
    return saying(replace(entry, name=f"{entry.name}-{more}"), "id", f"{entry.name}-{more}".encode())


def next_one(jobs: Jobs) -> Claim | None:
    """What ran next, to its end."""
    if (claim := jobs.claim("another", "worker", [QUEUE, "second"])) is not None:
        with contextlib.suppress(StaleClaim):  # it may have failed by its record
            jobs.finish(claim, complete(b"1"))
    return claim


def restored(jobs: Jobs, entries: Iterable[Entry]) -> None:
    """They are put in place, and the release works."""
    put(jobs, b"".join(packed(entries, {"made": "2024-01-01T00:00:00+00:00"})))
    jobs.submit(Submission("print", id="new"))
    jobs.resume("second")
    ran = {claim.id for _ in range(1_000) if (claim := next_one(jobs)) is not None}
    assert {"new", "waits-0", "counted", "b2"} <= ran


@pytest.mark.parametrize("value", NONSENSE)
def test_no_field_of_a_record_holds_up_a_restore(other: Jobs, entries: list[Entry], value: bytes | None) -> None:
    def all_damaged() -> Iterator[Entry]:
        for entry in entries:
            for n, field in enumerate(FIELDS.get(entry.kind, [])):
                yield saying(renamed(entry, f"{n}"), field, value)
            yield entry

    restored(other, all_damaged())


def test_no_place_that_is_none_holds_up_a_restore(other: Jobs, entries: list[Entry]) -> None:
    def all_damaged() -> Iterator[Entry]:
        for entry in entries:
            for n, (said, value) in enumerate((name, value) for name, values in ABOUT.items() for value in values):
                if entry.kind == "job":
                    yield replace(renamed(entry, f"{n}"), about=entry.about | {said: value})
            yield entry

    restored(other, all_damaged())


def test_an_end_that_cannot_be_read_is_taken_to_be_now(other: Jobs, entries: list[Entry]) -> None:
    restored(
        other,
        (
            saying(entry, "ended", b"soon") if entry.kind in ("job", "batch") and entry.name in ("gone", "ended") else entry
            for entry in entries
        ),
    )
    rd, prefix = other.store.records, other.settings.key_prefix
    now, longer = rd.time()[0], float(rd.hget(f"{prefix}restore", "shift") or 0)
    for key, name, ttl in (
        ("jobs.expiry", "gone", other.settings.result_ttl),
        ("batches.expiry", "ended", other.settings.failed_ttl),
    ):
        assert float(rd.zscore(prefix + key, name) or 0) == pytest.approx(now + ttl + longer, abs=60)
