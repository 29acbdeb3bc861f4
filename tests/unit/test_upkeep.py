"""The duties of upkeep but reaping: pausing in order, ringing, expiring, trimming, and repairing what was lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from lib.errors import ExpiredJob, StoreFull, UnknownJob
from lib.jobs import Jobs, Recurrence, Schedule, Submission, complete
from lib.operations import Catalog
from lib.settings import Settings
from lib.upkeep import Upkeep
from tests.servers import Server
from tests.service import upkeep as upkeep_process
from tests.unit.claiming import QUEUES
from tests.unit.test_schedules import set_back
from tests.waiting import until
from tests.workers import handles_sigterm


def entries(jobs: Jobs, name: str = "") -> list[bytes]:
    """The queue's list."""
    found: Any = jobs.store.queues.lrange(f"hotqueue:{jobs.settings.key_prefix}job-queue{name}", 0, -1)
    return list(found)


def test_upkeep_that_is_told_to_go_while_it_starts_goes(settings: Settings, tmp_path: Path) -> None:
    """As PID 1 of a container it would never see a signal that it has no handler for yet."""
    log = tmp_path / "log"
    process = upkeep_process(settings, log=log)
    try:
        until(lambda: handles_sigterm(process.pid), 10, "a handler of SIGTERM")
        assert psutil.Process(process.pid).num_threads() == 1  # it is not further than its imports
        process.terminate()
        assert process.wait(10) == 0
        assert log.read_text() == ""
    finally:
        process.kill()


def test_of_two_upkeeps_one_works_and_the_other_takes_over(jobs: Jobs) -> None:
    first, second = Upkeep(jobs), Upkeep(jobs)
    assert (first.round(), second.round()) == (True, False)
    first.release()
    assert second.round()
    assert jobs.store.records.pttl(f"{jobs.settings.key_prefix}upkeep.lock") > 0


def test_pause_push_pause_resume_resume_each_sent_twice_keeps_order_and_number(jobs: Jobs, upkeep: Upkeep) -> None:
    before = [jobs.submit(Submission("x", id=f"a{n}")).id for n in range(3)]
    foreign = f"hotqueue:{jobs.settings.key_prefix}job-queue"
    for _ in range(2):
        jobs.pause()
    assert (entries(jobs), len(entries(jobs, ".paused"))) == ([], 3)
    ours = jobs.submit(Submission("x", id="b")).id
    jobs.store.queues.rpush(foreign, "foreign-1")
    for _ in range(2):
        jobs.pause()
    jobs.store.queues.rpush(foreign, "foreign-2")
    upkeep.round()
    assert entries(jobs) == []
    jobs.store.queues.rpush(foreign, "foreign-3")
    for _ in range(2):
        jobs.resume()
    assert entries(jobs) == [one.encode() for one in [*before, ours, "foreign-1", "foreign-2", "foreign-3"]]
    assert entries(jobs, ".paused") == []


def test_a_paused_queue_gives_nothing_and_takes_released_jobs_back_in_front(jobs: Jobs) -> None:
    running, waiting = jobs.submit(Submission("x")).id, jobs.submit(Submission("x")).id
    held = jobs.claim("a", "w", QUEUES)
    jobs.pause()
    assert jobs.claim("b", "w", QUEUES) is None
    assert held is not None
    jobs.bury("a", held.token, "released", "worker stopped", {})
    assert entries(jobs, ".paused") == [running.encode(), waiting.encode()]
    jobs.store.queues.zadd(f"{jobs.settings.key_prefix}job-queue.scheduled", {"due": 1})
    assert jobs.store.run("promote", "job-queue", 10) == 0
    jobs.resume()
    assert jobs.wait_for_bell("b")
    assert jobs.claim("b", "w", QUEUES).id == running  # type: ignore[union-attr]


def test_a_foreign_push_and_a_lost_ring_are_rung_by_upkeep(jobs: Jobs, upkeep: Upkeep) -> None:
    for child in ("a", "b"):
        assert jobs.claim(child, "w", QUEUES) is None
    jobs.submit(Submission("x"))
    rung = [child for child in ("a", "b") if jobs.store.queues.delete(f"{jobs.settings.key_prefix}bell.{child}")]
    upkeep.round()
    others = [child for child in ("a", "b") if jobs.store.queues.llen(f"{jobs.settings.key_prefix}bell.{child}")]
    assert len(rung) == len(others) == 1
    assert rung != others


def test_children_that_stopped_waiting_long_ago_are_passed_over_and_forgotten(jobs: Jobs, upkeep: Upkeep) -> None:
    assert jobs.claim("gone", "w", QUEUES) is None
    jobs.store.queues.zadd(f"{jobs.settings.key_prefix}job-queue.idle", {"gone": 1})
    upkeep.round()
    assert jobs.queue("job-queue").idle_children == 0
    assert jobs.store.queues.hlen(f"{jobs.settings.key_prefix}idle") == 0


def test_ended_jobs_expire_with_everything_that_belongs_to_them(jobs: Jobs, upkeep: Upkeep) -> None:
    jid = jobs.submit(Submission("x", result_ttl=1, by="ada"), idempotency_key="k").id
    kept = jobs.submit(Submission("x")).id
    held = jobs.claim("a", "w", QUEUES)
    assert held is not None
    jobs.append_log(held, ["line"])
    jobs.stage_file(held, "f", b"1", "text/plain")
    jobs.finish(held, complete(b"1"))
    jobs.store.records.zadd(f"{jobs.settings.key_prefix}jobs.expiry", {jid: 1})
    upkeep.round()
    with pytest.raises(UnknownJob):
        jobs.get(jid)
    left = {
        key.decode().removeprefix(jobs.settings.key_prefix)
        for key in jobs.store.records.scan_iter(f"{jobs.settings.key_prefix}*")
    }
    assert not {key for key in left if jid in key or key.startswith("idempotency")}
    assert [job.id for job in jobs.page().jobs] == [kept]
    assert jobs.counts()["complete"] == 0


def test_a_job_that_was_retried_does_not_expire(jobs: Jobs, upkeep: Upkeep) -> None:
    jid = jobs.submit(Submission("x")).id
    jobs.cancel(jid)
    jobs.retry(jid)
    jobs.store.records.zadd(f"{jobs.settings.key_prefix}jobs.expiry", {jid: 1})
    upkeep.round()
    assert jobs.get(jid).status == "submitted"


def test_dead_ids_are_trimmed_and_the_living_keep_their_order(jobs: Jobs, upkeep: Upkeep) -> None:
    ids = [one.id for one in jobs.submit_many(Submission("x") for _ in range(200))]
    for jid in ids[::2]:
        jobs.cancel(jid)
    jobs.delete(ids[0])
    jobs.retry(ids[2])
    upkeep.verify()
    assert entries(jobs) == [jid.encode() for jid in [*ids[1:3], *ids[3::2], ids[2]]]
    stats = jobs.queue("job-queue")
    assert (stats.dead, stats.depth) == (1, 101)


def test_what_redis_lost_is_repaired_and_nothing_else_is_touched(jobs: Jobs, upkeep: Upkeep) -> None:
    ids = [jobs.submit(Submission("x")).id for _ in range(5)]
    scheduled = jobs.submit(Submission("x", run_in=3600)).id
    running = jobs.claim("a", "w", QUEUES)
    assert running is not None
    prefix = jobs.settings.key_prefix
    jobs.store.queues.lrem(f"hotqueue:{prefix}job-queue", 0, ids[3])
    jobs.store.queues.zrem(f"{prefix}job-queue.leases", running.id)
    jobs.store.queues.zrem(f"{prefix}job-queue.scheduled", scheduled)
    assert upkeep.verify() == 3
    assert sorted(entries(jobs)) == sorted(jid.encode() for jid in ids[1:])
    assert jobs.queue("job-queue").running == jobs.queue("job-queue").scheduled == 1
    assert upkeep.verify() == 0


def test_verify_costs_the_same_with_many_jobs_when_nothing_is_amiss(jobs: Jobs, upkeep: Upkeep) -> None:
    def commands() -> int:
        before = jobs.store.records.info("stats")["total_commands_processed"]
        upkeep.verify()
        return int(jobs.store.records.info("stats")["total_commands_processed"]) - int(before)

    few = commands()
    jobs.submit_many(Submission("x") for _ in range(3_000))
    assert commands() == few


def test_a_worker_that_fell_silent_is_forgotten(jobs: Jobs, upkeep: Upkeep) -> None:
    for name in ("old", "new"):
        jobs.beat(name, {}, [])
    jobs.store.records.zadd(f"{jobs.settings.key_prefix}workers", {"old": 1})
    upkeep.round()
    assert [worker["name"] for worker in jobs.workers()] == ["new"]


def test_after_an_outage_no_worker_is_forgotten_before_it_could_beat(jobs: Jobs, upkeep: Upkeep) -> None:
    def counted() -> dict[str, int]:
        return {name: number for name, number in jobs.counters().items() if name in ("worker_start", "nursery_restart")}

    jobs.beat("w", {"kind": "worker"}, [], 3)
    jobs.drain_worker("w")
    before = counted()
    jobs.store.records.zadd(f"{jobs.settings.key_prefix}workers", {"w": 1})
    jobs.store.records.hset(f"{jobs.settings.key_prefix}upkeep.seen", "run_id", "another")
    upkeep.round()
    order, _ = jobs.beat("w", {"kind": "worker"}, [], 3)
    assert order is not None
    assert (order[0], counted()) == ("drain", before)
    jobs.store.records.hset(f"{jobs.settings.key_prefix}upkeep.seen", "not_before", 0)
    jobs.store.records.zadd(f"{jobs.settings.key_prefix}workers", {"w": 1})
    upkeep.round()
    assert jobs.workers() == []


def test_upkeep_that_starts_at_full_memory_still_expires_and_reaps(tmp_path: Path, settings: Settings) -> None:
    with Server(tmp_path / "redis") as server:
        jobs = Jobs(settings.model_copy(update={"redis_port": server.port, "lease_seconds": 0.3}))
        reaped, expired = (jobs.submit(Submission("x")).id for _ in range(2))
        jobs.claim("a", "w", QUEUES)
        jobs.cancel(expired)
        jobs.store.records.zadd(f"{settings.key_prefix}jobs.expiry", {expired: 1})
        jobs.store.records.config_set("maxmemory", "1")
        jobs.store.records.script_flush()
        upkeep = Upkeep(jobs)
        until(lambda: upkeep.round() and jobs.get(reaped).status == "submitted", 10, "the job that was reaped")
        assert jobs.get(reaped).lost == 1
        with pytest.raises(UnknownJob):
            jobs.get(expired)


@pytest.fixture
def full(tmp_path: Path, settings: Settings) -> Iterator[Upkeep]:
    """Upkeep at full memory, with an ended job `old` whose time is over. It knows no operation: no schedule can be built."""
    with Server(tmp_path / "redis") as server:
        jobs = Jobs(settings.model_copy(update={"redis_port": server.port}), Catalog([]))
        before = Jobs(jobs.settings)
        before.submit(Submission("x", id="old"))
        before.cancel("old")
        before.put_schedule(Schedule("odd", {"operation": "x"}, Recurrence(every=60.0)))
        set_back(before, "odd", 90)
        jobs.store.records.zadd(f"{settings.key_prefix}jobs.expiry", {"old": 1})
        upkeep = Upkeep(jobs)
        upkeep._keep_functions()
        jobs.store.records.config_set("maxmemory", "1")
        yield upkeep
        before.close()
        jobs.close()


def test_a_schedule_that_cannot_be_built_keeps_nothing_from_expiring_at_full_memory(
    full: Upkeep, caplog: pytest.LogCaptureFixture
) -> None:
    assert full.round()
    assert "Schedule odd cannot fire" in caplog.text
    with pytest.raises(ExpiredJob):
        full.jobs.get("old")


def test_a_duty_that_full_memory_refuses_keeps_none_of_the_others_from_being_done(
    full: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Jobs) -> None:
        raise StoreFull("no room")

    monkeypatch.setattr("lib.upkeep.fire_due", refused)
    with pytest.raises(StoreFull):
        full.round()
    with pytest.raises(ExpiredJob):
        full.jobs.get("old")
