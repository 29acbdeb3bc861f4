"""A release is read and put in place again: every key is as it was, but of what ran, which waits at the front of its queue."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.backup.form import BrokenBackup, Entry, packed
from lib.backup.restoring import NotEmpty, go_on, restore
from lib.backup.staging import Staged
from lib.backup.taking import Taking
from lib.errors import Conflict, StaleClaim, StoreFull, StoreUnavailable
from lib.jobs import Jobs, Submission, complete
from lib.settings import Settings
from lib.store import Store
from lib.upkeep import Upkeep
from tests.servers import Server
from tests.unit.backups import QUEUE, backed_up, busy, empty_release, end_one, keys, of_two_queues, put

LOOKS_AGAIN = True  # restores are what these tests are about


@pytest.fixture
def other(settings: Settings) -> Iterator[Jobs]:
    with empty_release(settings) as queue:
        yield queue


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return of_two_queues(settings)


def test_every_key_is_as_it_was(jobs: Jobs, other: Jobs) -> None:
    busy(jobs)
    assert put(other, backed_up(jobs)) == 15
    (before, expires), (after, expire) = keys(jobs), keys(other)
    prefix, new = jobs.settings.key_prefix, other.settings.key_prefix
    said = json.loads(json.dumps(after).replace(new, prefix))
    assert sorted(said) == sorted(before)
    for name, value in before.items():
        if name.startswith("job.") and isinstance(value, dict):  # `listed` counts dead ids in lists, and none is left in one
            value = {field: text for field, text in value.items() if field not in ("listed", "replays")}
        if name.startswith("hotqueue:"):
            value = [entry for entry in value if before[f"job.{entry}"]["status"] == "submitted"]
        if name == "jobs.expiry":
            assert {jid: round(when) for jid, when in said[name].items()} == pytest.approx(
                {jid: round(when) for jid, when in value.items()}, abs=5
            )
            continue
        assert said[name] == json.loads(json.dumps(value)), name
    assert expire == expires


def test_what_ran_waits_at_the_front_uncharged_and_its_token_is_stale(jobs: Jobs, other: Jobs) -> None:
    for n in range(5):
        jobs.submit(Submission("print", id=f"n{n}"))
    claims = [jobs.claim(f"child-{n}", "worker", [QUEUE]) for n in range(2)]
    jobs.cancel("n1")
    put(other, backed_up(jobs))
    assert [other.get(f"n{n}").status for n in range(3)] == ["submitted", "cancelled", "submitted"]
    job = other.get("n0")
    assert (job.crashes, job.lost, job.retries, job.releases, job.attempts[0]["outcome"]) == (0, 0, 0, 1, "restored")
    assert claims[0] is not None
    with pytest.raises(StaleClaim):
        other.finish(claims[0], complete(b"1"))
    assert [end_one(other) for _ in range(4)] == ["n0", "n2", "n3", "n4"]


def test_a_paused_queue_stays_paused_and_keeps_its_order(jobs: Jobs, other: Jobs) -> None:
    jobs.submit(Submission("print", id="before"))
    jobs.pause(QUEUE)
    jobs.submit(Submission("print", id="after"))
    put(other, backed_up(jobs))
    assert other.claim("child", "worker", [QUEUE]) is None
    other.resume(QUEUE)
    assert [end_one(other) for _ in range(2)] == ["before", "after"]


def test_what_others_put_on_a_list_keeps_its_place(jobs: Jobs, other: Jobs) -> None:
    key = f"hotqueue:{jobs.settings.key_prefix}{QUEUE}"
    jobs.submit(Submission("print", id="first"))
    jobs.store.queues.rpush(key, b'{"type":"print","msg":"hello"}', b'{"type":"print","msg":"hello"}')
    jobs.submit(Submission("print", id="last"))
    put(other, backed_up(jobs))
    entries = other.store.queues.lrange(f"hotqueue:{other.settings.key_prefix}{QUEUE}", 0, -1)
    assert entries == [b"first", b'{"type":"print","msg":"hello"}', b'{"type":"print","msg":"hello"}', b"last"]


def test_dependents_wait_on_and_a_batch_ends_once(jobs: Jobs, other: Jobs) -> None:
    jobs.submit(Submission("print", id="parent"))
    jobs.submit(Submission("print", id="child", depends_on=["parent"]))
    jobs.submit_batch([Submission("print", id=f"b{n}") for n in range(3)], id="batch")
    assert end_one(jobs) == "parent"
    assert end_one(jobs) == "b0"
    put(other, backed_up(jobs))
    assert (other.get("child").status, other.batch("batch").complete) == ("submitted", 1)
    assert sorted(end_one(other) for _ in range(3)) == ["b1", "b2", "child"]
    assert (other.batch("batch").complete, other.batch("batch").ended is not None) == (3, True)


def test_keys_hold_for_the_same_jobs(jobs: Jobs, other: Jobs) -> None:
    jobs.submit(Submission("print", {"x": 1}, id="one"), idempotency_key="key")
    jobs.submit(Submission("print", id="alone", unique_key="k"))
    put(other, backed_up(jobs))
    assert other.submit(Submission("print", {"x": 1}), idempotency_key="key") == dataclasses.replace(
        other.submit(Submission("print", {"x": 1}), idempotency_key="key"), replayed=True
    )
    assert other.submit(Submission("print", id="second", unique_key="k")).id == "alone"


def test_what_is_kept_for_a_time_is_kept_as_long_as_it_had_left(jobs: Jobs, other: Jobs) -> None:
    jobs.submit(Submission("print", id="one", result_ttl=100))
    end_one(jobs)
    backup = Taking(jobs.store, "test")
    pieces = b"".join(packed(backup._entries(), backup._about() | {"made": "2020-01-01T00:00:00+00:00"}))
    put(other, pieces)
    left = other.store.records.zscore(f"{other.settings.key_prefix}jobs.expiry", "one")
    now = other.store.records.time()[0]
    assert left is not None
    assert left > now + 3 * 365 * 86_400  # the backup is that old


def test_a_release_that_holds_something_is_not_restored(jobs: Jobs, other: Jobs) -> None:
    jobs.submit(Submission("print", id="one"))
    backup = backed_up(jobs)
    other.submit(Submission("print", id="mine"))
    before = keys(other)
    with pytest.raises(NotEmpty, match="not empty: it has 1 jobs"):
        put(other, backup)
    assert keys(other) == before
    assert put(other, backup, replace=True) == 1
    assert [job.id for job in other.page().jobs] == ["one"]


def test_a_release_that_fills_while_the_file_comes_is_not_restored(jobs: Jobs, other: Jobs) -> None:
    jobs.submit(Submission("print", id="one"))
    backup = backed_up(jobs)
    store = Store(other.settings, gated=False)

    def pieces() -> Iterator[bytes]:
        yield backup[:100]
        other.submit(Submission("print", id="mine"))
        yield backup[100:]

    with pytest.raises(NotEmpty):
        restore(store, pieces())
    store.close()
    assert "restore" not in keys(other)[0]
    assert (other.get("mine").status, other.counts()["submitted"]) == ("submitted", 1)


def test_replacing_leaves_nothing_of_what_was_there(jobs: Jobs, other: Jobs) -> None:
    busy(other)
    other.claim("child", "worker", [QUEUE])
    jobs.submit(Submission("print", id="one"))
    put(other, backed_up(jobs), replace=True)
    left = keys(other)[0]
    allowed = {"job.one", "jobs", "jobs.submitted", "events", "metrics", f"{QUEUE}.waiting"}
    assert {name for name in left if not name.startswith("hotqueue:")} == allowed
    assert end_one(other, "child") == "one"


@pytest.mark.parametrize("harm", ["cut off", "damaged", "no backup"])
def test_a_file_that_is_not_whole_changes_nothing(jobs: Jobs, other: Jobs, harm: str) -> None:
    busy(jobs)
    backup = backed_up(jobs)
    broken = {"cut off": backup[:-20], "damaged": backup[:-400] + bytes(10) + backup[-390:], "no backup": b"x" * 500}[harm]
    before = keys(other)
    with pytest.raises(BrokenBackup):
        put(other, broken)
    assert keys(other) == before
    other.submit(Submission("print", id="mine"))
    full = keys(other)
    with pytest.raises(BrokenBackup):
        put(other, broken, replace=True)
    assert keys(other) == full


def test_entries_that_make_no_sense_are_refused(jobs: Jobs, other: Jobs) -> None:
    before = keys(other)
    about = {"made": "2024-01-01T00:00:00+00:00"}
    for wrong in (
        Entry("job", "x"),
        Entry("other", "x"),
        Entry("hash", "job.x", {}, [b"a", b"b"]),
        Entry("stream", "events", {}, [b"1"]),
    ):
        with pytest.raises(BrokenBackup, match="cannot be read"):
            put(other, b"".join(packed([wrong], about)))
    assert keys(other) == before


def test_what_does_not_fit_is_refused_before_it_starts(jobs: Jobs, tmp_path: Path) -> None:
    jobs.submit(Submission("print", {"msg": "x" * 5_000_000}, id="one"))
    backup = backed_up(jobs)
    with Server(tmp_path / "small", maxmemory="40mb") as server:
        small = Jobs(jobs.settings.model_copy(update={"redis_port": server.port}))
        small.store.records.config_set("maxmemory", int(small.store.records.info("memory")["used_memory"]) + 2_000_000)
        with pytest.raises(StoreFull, match="the restore needs"):
            put(small, backup)
        small.store.records.config_set("maxmemory", 0)
        assert keys(small)[0] == {}
        small.close()


def test_a_restore_whose_process_died_is_finished_by_upkeep_and_nobody_works_meanwhile(jobs: Jobs, other: Jobs) -> None:
    busy(jobs)
    jobs.claim("child", "worker", [QUEUE])
    backup = backed_up(jobs)
    _begin(other, backup, parts=9)
    with pytest.raises(StoreUnavailable, match="restore is being put in place"):
        other.submit(Submission("print"))
    with pytest.raises(StoreUnavailable, match="restore is being put in place"):
        other.page()
    with pytest.raises(StoreUnavailable, match="restore is being put in place"):
        backed_up(other)
    with pytest.raises(Conflict, match="Another restore"):
        put(other, backup, replace=True)
    assert Upkeep(other).round()
    assert sorted(job.id for job in other.page(limit=100).jobs) == sorted(job.id for job in jobs.page(limit=100).jobs)
    assert end_one(other) == "waits-1"


def test_what_a_load_left_whose_process_died_is_swept_away(jobs: Jobs, other: Jobs) -> None:
    jobs.submit(Submission("print", id="one"))
    staged = Staged(other.store)
    staged.load([backed_up(jobs)])
    other.store.records.zadd(f"{other.settings.key_prefix}restore.loads", {staged.token: 1})
    assert not go_on(other.store)
    assert keys(other)[0] == {}


def _begin(jobs: Jobs, backup: bytes, parts: int) -> None:
    """The first parts of a restore, as a process does them that is killed then."""
    store = Store(jobs.settings, gated=False)
    staged = Staged(store)
    staged.load([backup])
    fields = ("queues", json.dumps(jobs.settings.all_queues))
    assert store.run("restore_begin", staged.token, 0, "0", *fields) == [b"OK"]
    done = 0
    while done < parts:
        done += store.run("restore_step", staged.token, 1)[0] == b"STEP"
    store.close()
