"""Concurrency keys and rates: what may not start now is laid aside, and nothing behind it waits."""

from typing import Any

import pytest

from lib.errors import StaleClaim
from lib.jobs import Claim, Jobs, Submission, complete, failed, released
from lib.settings import Settings, load_settings
from lib.upkeep import Upkeep
from tests.waiting import until


def limited(settings: Settings, **limits: Any) -> Jobs:
    return Jobs(settings.model_copy(update={"operation_limits": load_settings(operation_limits={"x": limits}).operation_limits}))


def claim(jobs: Jobs, child: str) -> Claim | None:
    return jobs.claim(child, "w", ["job-queue"])


def must(found: Claim | None) -> Claim:
    assert found is not None
    return found


def held(jobs: Jobs) -> list[str]:
    """Jobs that are laid aside, in the order in which they come back."""
    found = [jid.decode() for jid in jobs.store.records.zrange(f"{jobs.settings.key_prefix}limit.x.waiting", 0, -1)]
    assert sorted(found) == sorted(
        jid.decode() for jid in jobs.store.queues.zrange(f"{jobs.settings.key_prefix}job-queue.limited", 0, -1)
    )
    return found


def test_only_so_many_run_at_once_and_others_pass_them(settings: Settings) -> None:
    jobs = limited(settings, concurrency=2)
    for n in range(4):
        jobs.submit(Submission("x", id=f"x{n}"))
    jobs.submit(Submission("y", id="y"))
    first, second = must(claim(jobs, "c0")), must(claim(jobs, "c1"))
    assert must(claim(jobs, "c2")).id == "y"
    assert (claim(jobs, "c3"), held(jobs)) == (None, ["x2", "x3"])
    assert jobs.get("x2").status == "submitted"
    assert (jobs.queue("job-queue").depth, jobs.queue("job-queue").limited) == (0, 2)
    jobs.finish(first, complete(b"1"))
    assert held(jobs) == ["x3"]
    third = must(claim(jobs, "c3"))
    assert third.id == "x2"
    jobs.finish(second, failed({"type": "E", "message": "no", "reason": "exception"}))
    fourth = must(claim(jobs, "c4"))
    assert fourth.id == "x3"
    for taken in (third, fourth):
        jobs.finish(taken, complete(b"1"))
    assert held(jobs) == []
    assert not jobs.store.records.exists(f"{settings.key_prefix}limit.x")
    jobs.close()


def test_a_finish_and_the_claim_of_the_next_are_one_command(settings: Settings) -> None:
    jobs = limited(settings, concurrency=1)
    for n in range(3):
        jobs.submit(Submission("x", id=f"x{n}"))
    taken = must(claim(jobs, "c"))
    assert claim(jobs, "d") is None
    before = jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"]
    counted, following = jobs.turn(taken, complete(b"1"), "c", "w", ["job-queue"])
    assert (counted, must(following).id) == (True, "x1")
    assert jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1
    jobs.close()


def test_jobs_with_a_concurrency_key_run_one_by_one_and_keys_do_not_mix(jobs: Jobs) -> None:
    for n, key in enumerate("aabb"):
        jobs.submit(Submission("x", id=f"{key}{n}", concurrency_key=key))
    assert [must(claim(jobs, "c0")).id, must(claim(jobs, "c1")).id, claim(jobs, "c2")] == ["a0", "b2", None]
    assert jobs.queue("job-queue").limited == 2


@pytest.mark.parametrize("end", ["cancelled", "released", "crashed", "reaped", "unserved"])
def test_every_way_out_of_running_gives_the_place_back(settings: Settings, end: str) -> None:
    jobs = limited(settings, concurrency=1)
    jobs.submit(Submission("x", id="first"))
    jobs.submit(Submission("x", id="second"))
    taken = must(claim(jobs, "c"))
    assert claim(jobs, "d") is None
    if end == "cancelled":
        jobs.cancel("first")
        jobs.finish(taken, released("worker stopped"))
    elif end == "released":
        jobs.finish(taken, released("worker stopped"))
    elif end == "crashed":
        assert jobs.bury("c", taken.token, "crash", "", {"summary": "killed"}) == ("first", "submitted")
    elif end == "unserved":
        jobs.set_aside(taken)
    else:
        seen = f"{settings.key_prefix}upkeep.seen"
        upkeep = Upkeep(jobs)
        upkeep.round()
        jobs.store.records.hset(seen, "not_before", "0")
        jobs.store.queues.zadd(f"{settings.key_prefix}job-queue.leases", {"first": 1.0})
        upkeep.round()
        with pytest.raises(StaleClaim):
            jobs.finish(taken, complete(b"1"))
    running = must(claim(jobs, "e"))
    assert claim(jobs, "f") is None  # still one at a time
    jobs.finish(running, complete(b"1"))
    if end not in ("cancelled", "unserved"):
        jobs.finish(must(claim(jobs, "g")), complete(b"1"))
    assert jobs.counts()["in-progress"] == 0
    assert not jobs.store.records.exists(f"{settings.key_prefix}limit.x")
    jobs.close()


def test_what_is_laid_aside_can_be_cancelled_deleted_and_retried(settings: Settings) -> None:
    jobs = limited(settings, concurrency=1)
    for jid in ("first", "a", "b", "c"):
        jobs.submit(Submission("x", id=jid))
    taken = must(claim(jobs, "c0"))
    assert (claim(jobs, "c1"), held(jobs)) == (None, ["a", "b", "c"])
    assert jobs.cancel("a") == "cancelled"
    jobs.delete("b")
    assert held(jobs) == ["c"]
    jobs.retry("a")
    assert (claim(jobs, "c2"), sorted(held(jobs))) == (None, ["a", "c"])
    jobs.finish(taken, complete(b"1"))
    for child in ("c3", "c4"):
        jobs.finish(must(claim(jobs, child)), complete(b"1"))
    assert jobs.counts()["complete"] == 3
    assert (jobs.queue("job-queue").depth, jobs.queue("job-queue").dead) == (0, 0)
    jobs.close()


def test_a_paused_queue_does_not_keep_the_places_of_others(settings: Settings) -> None:
    jobs = limited(settings.model_copy(update={"queues": ["other"]}), concurrency=1)
    jobs.submit(Submission("x", id="first"))
    taken = must(claim(jobs, "c"))
    jobs.submit(Submission("x", id="second"))
    jobs.submit(Submission("x", id="third"), queue="other")
    assert jobs.claim("d", "w", ["job-queue", "other"]) is None
    jobs.pause("job-queue")
    jobs.finish(taken, complete(b"1"))
    assert must(jobs.claim("e", "w", ["job-queue", "other"])).id == "third"
    jobs.close()


def test_verify_leaves_what_is_laid_aside_where_it_is(settings: Settings) -> None:
    jobs = limited(settings, concurrency=1)
    for jid in ("first", "a"):
        jobs.submit(Submission("x", id=jid))
    must(claim(jobs, "c0"))
    assert claim(jobs, "c1") is None
    assert (Upkeep(jobs).verify(), jobs.store.run("repair", "a"), held(jobs)) == (0, b"", ["a"])
    jobs.close()


def test_a_purge_takes_what_is_laid_aside_too(settings: Settings) -> None:
    jobs = limited(settings, concurrency=1)
    for jid in ("first", "a", "b"):
        jobs.submit(Submission("x", id=jid))
    taken = must(claim(jobs, "c0"))
    assert (claim(jobs, "c1"), held(jobs)) == (None, ["a", "b"])
    assert jobs.purge().cancelled == 2
    assert held(jobs) == []
    jobs.finish(taken, complete(b"1"))
    assert jobs.queue("job-queue").depth == 0
    jobs.close()


# Whoever was called and does not come


def called_and_aside(jobs: Jobs, queue: str = "job-queue") -> None:
    """Of one operation that runs once at a time nobody runs, `called` was called, `aside` lies aside."""
    jobs.submit(Submission("x", id="first"))
    taken = must(claim(jobs, "c0"))
    jobs.submit(Submission("x", id="called"))
    assert claim(jobs, "c1") is None
    jobs.submit(Submission("x", id="aside"), queue=queue)
    assert jobs.claim("c2", "w", [queue]) is None
    jobs.finish(taken, complete(b"1"))


@pytest.mark.parametrize("end", ["cancelled", "deleted", "purged"])
def test_where_a_called_job_leaves_unclaimed_the_next_one_is_called(settings: Settings, end: str) -> None:
    jobs = limited(settings.model_copy(update={"queues": ["other"]}), concurrency=1)
    queue = "other" if end == "purged" else "job-queue"
    called_and_aside(jobs, queue)
    if end == "purged":
        assert jobs.purge().cancelled == 1
    else:
        (jobs.cancel if end == "cancelled" else jobs.delete)("called")
    assert jobs.claim("d", "w", [queue]) is None
    Upkeep(jobs).round()
    assert must(jobs.claim("e", "w", [queue])).id == "aside"
    jobs.close()


def test_a_called_job_in_a_queue_that_nobody_serves_keeps_no_place_from_another_queue(settings: Settings) -> None:
    jobs = limited(settings.model_copy(update={"queues": ["other"]}), concurrency=1)
    called_and_aside(jobs, "other")
    upkeep = Upkeep(jobs)
    upkeep.round()
    taken = must(jobs.claim("d", "w", ["other"]))
    assert (taken.id, claim(jobs, "e")) == ("aside", None)  # still one at a time
    jobs.finish(taken, complete(b"1"))
    assert must(claim(jobs, "f")).id == "called"
    jobs.close()


def test_nobody_is_called_beyond_the_free_places_or_out_of_a_paused_queue(settings: Settings) -> None:
    jobs = limited(settings, concurrency=2)
    upkeep = Upkeep(jobs)
    for n in range(6):
        jobs.submit(Submission("x", id=f"x{n}"))
    running = [must(claim(jobs, f"c{n}")) for n in range(2)]
    assert (claim(jobs, "c2"), held(jobs)) == (None, ["x2", "x3", "x4", "x5"])
    upkeep.round()
    assert held(jobs) == ["x2", "x3", "x4", "x5"]
    for taken in running:
        jobs.finish(taken, complete(b"1"))
    upkeep.round()
    assert held(jobs) == ["x4", "x5"]  # the others are on their way
    for called in ("x2", "x3"):
        jobs.cancel(called)
    jobs.pause()
    upkeep.round()
    assert held(jobs) == ["x4", "x5"]
    jobs.resume()
    upkeep.round()
    assert [must(claim(jobs, f"d{n}")).id for n in range(2)] == ["x4", "x5"]
    jobs.close()


def test_what_lies_aside_is_looked_at_part_by_part(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.upkeep._BATCH", 2)
    for key in ("busy", "free"):
        for n in range(4):
            jobs.submit(Submission("x", id=f"{key}{n}", concurrency_key=key))
    must(claim(jobs, "c0"))
    taken = must(claim(jobs, "c1"))
    assert (claim(jobs, "c2"), jobs.queue("job-queue").limited) == (None, 6)
    jobs.finish(taken, complete(b"1"))
    jobs.cancel("free1")
    upkeep = Upkeep(jobs)
    for _ in range(2):
        upkeep.round()
    assert must(claim(jobs, "c3")).id == "free2"


# Rates


def test_a_rate_spreads_starts_and_each_gets_its_own_time(settings: Settings) -> None:
    jobs = limited(settings, rate="2/10s")
    for n in range(6):
        jobs.submit(Submission("x", id=f"x{n}"))
    jobs.submit(Submission("y", id="y"))
    assert [must(claim(jobs, f"c{n}")).id for n in range(3)] == ["x0", "x1", "y"]
    assert claim(jobs, "c3") is None
    key = f"{settings.key_prefix}job-queue.scheduled"
    due = [jobs.store.queues.zscore(key, f"x{n}") or 0.0 for n in range(2, 6)]
    assert [round(time - due[0]) for time in due] == [0, 0, 10, 10]
    assert jobs.get("x2").status == "scheduled"
    jobs.close()


def test_a_job_whose_time_has_come_starts_without_a_further_wait(settings: Settings) -> None:
    jobs = limited(settings, rate="1/1s")
    for n in range(2):
        jobs.submit(Submission("x", id=f"x{n}"))
    assert must(claim(jobs, "c0")).id == "x0"
    assert claim(jobs, "c1") is None
    until(lambda: jobs.store.run("promote", "job-queue", 10), 10, "its time")
    assert must(claim(jobs, "c2")).id == "x1"
    jobs.close()


def test_each_attempt_takes_a_time_of_its_own(settings: Settings) -> None:
    jobs = limited(settings, rate="1/10s")
    jobs.submit(Submission("x", id="x0"))
    jobs.finish(must(claim(jobs, "c0")), released("worker stopped"))
    assert (claim(jobs, "c1"), jobs.get("x0").status) == (None, "scheduled")
    jobs.close()
