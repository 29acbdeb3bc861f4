"""Whole queues: what drain refuses, what purge throws away and what it leaves, and that each may be done twice."""

from pathlib import Path

import pytest

from lib.errors import Conflict, QueueDraining, UnknownQueue, UnknownWorker
from lib.firing import fire_due
from lib.jobs import Jobs, Recurrence, Retry, Schedule, Submission, failed
from lib.upkeep import Upkeep

QUEUE = "job-queue"
ERROR = {"type": "ValueError", "message": "no", "reason": "exception"}


def take(jobs: Jobs, child: str = "c") -> str | None:
    """Claim the next job; its id."""
    claim = jobs.claim(child, "w", [QUEUE])
    return None if claim is None else claim.id


def entries(jobs: Jobs) -> list[bytes]:
    """What stands in the list of normal priority."""
    found: list[bytes] = jobs.store.queues.lrange(f"hotqueue:{jobs.store.prefix}{QUEUE}", 0, -1)  # type: ignore[assignment]
    return found


def push(jobs: Jobs, *values: bytes) -> None:
    """What another program puts on the list."""
    jobs.store.queues.rpush(f"hotqueue:{jobs.store.prefix}{QUEUE}", *values)


def test_a_drained_queue_accepts_nothing_and_runs_what_stands_in_it(jobs: Jobs) -> None:
    jobs.submit(Submission("x", id="before"))
    jobs.submit(Submission("x", id="later", run_in=0.001))
    for _ in range(2):
        jobs.drain()
    with pytest.raises(QueueDraining, match="job-queue is being drained"):
        jobs.submit(Submission("x"))
    with pytest.raises(QueueDraining):
        jobs.submit_many([Submission("x")])
    assert jobs.submit(Submission("x", id="before")).replayed  # what was accepted stays accepted
    assert jobs.queue(QUEUE).draining_since is not None
    jobs.store.run("promote", QUEUE, 10)
    assert [take(jobs, "a"), take(jobs, "b")] == ["before", "later"]
    for _ in range(2):
        jobs.open()
    assert jobs.queue(QUEUE).draining_since is None
    jobs.submit(Submission("x"))


def test_retries_of_a_policy_are_run_in_a_drained_queue_and_explicit_ones_are_refused(jobs: Jobs) -> None:
    jobs.submit(Submission("x", id="one", retry=Retry(max=1)))
    jobs.drain()
    for _ in range(2):
        claim = jobs.claim("c", "w", [QUEUE])
        assert claim is not None
        jobs.finish(claim, failed(ERROR))
    with pytest.raises(QueueDraining):
        jobs.retry("one")
    assert jobs.retry_failed().retried == 0
    assert jobs.get("one").status == "failed"
    jobs.open()
    assert jobs.retry_failed().retried == 1


def test_a_schedule_waits_for_its_queue_to_be_opened(jobs: Jobs) -> None:
    made = jobs.put_schedule(Schedule("nightly", {"operation": "x"}, Recurrence(every=3600.0)))
    jobs.store.records.hset(f"{jobs.store.prefix}schedule.nightly", "next", "1000000000.000000")
    jobs.store.records.zadd(f"{jobs.store.prefix}schedules.due", {"nightly": 1_000_000_000})
    jobs.drain()
    assert fire_due(jobs) == 0
    held = jobs.schedule("nightly")
    assert (held.fired, held.next) == (0, 1_000_000_000)
    assert "accepted nothing" in str(held.problem)
    jobs.open()
    assert fire_due(jobs) == 1
    after = jobs.schedule("nightly")
    assert (after.fired, after.problem) == (1, None)
    assert after.next is not None
    assert made.next is not None
    assert after.next >= made.next - 3600


@pytest.mark.parametrize("paused", [False, True])
def test_a_purge_cancels_what_waits_and_leaves_what_runs(jobs: Jobs, paused: bool) -> None:
    jobs.submit(Submission("x", id="runs"))
    assert take(jobs) == "runs"
    waiting = [jobs.submit(Submission("x", priority=each)).id for each in ("high", "normal", "low") * 2]
    later = jobs.submit(Submission("x", run_in=60)).id
    if paused:
        jobs.pause()
    done = jobs.purge(by="ann")
    assert (done.cancelled, done.foreign, done.left) == (6, 0, 0)
    assert {jobs.get(jid).status for jid in waiting} == {"cancelled"}
    assert [jobs.get(jid).status for jid in ("runs", later)] == ["in-progress", "scheduled"]
    stats = jobs.queue(QUEUE)
    assert (stats.depth, stats.dead, sum(stats.waiting.values())) == (0, 0, 0)
    assert jobs.purge(scheduled=True).cancelled == 1
    assert jobs.get(later).status == "cancelled"
    assert jobs.purge(scheduled=True).cancelled == 0
    assert Upkeep(jobs).verify() == 0


def test_entries_of_others_are_counted_and_stay_in_their_order_or_are_dropped(jobs: Jobs) -> None:
    push(jobs, b'{"type": "print"}')
    jobs.submit(Submission("x", id="ours"))
    push(jobs, b"\x80other", b"x" * 100)
    done = jobs.purge()
    assert (done.cancelled, done.foreign) == (1, 3)
    assert entries(jobs) == [b'{"type": "print"}', b"\x80other", b"x" * 100]
    assert jobs.purge(foreign=True).foreign == 3
    assert entries(jobs) == []
    assert jobs.counters()[f"purged|{QUEUE}"] == 3


def test_dead_ids_and_ids_that_stand_twice_are_settled(jobs: Jobs) -> None:
    jobs.submit(Submission("x", id="one"))
    jobs.cancel("one")
    jobs.retry("one")
    jobs.submit(Submission("x", id="two"))
    jobs.cancel("two")
    assert entries(jobs) == [b"one", b"one", b"two"]
    assert jobs.purge().cancelled == 1
    assert (entries(jobs), jobs.queue(QUEUE).dead, jobs.get("one").status) == ([], 0, "cancelled")
    jobs.retry("one")
    assert take(jobs) == "one"
    assert take(jobs, "b") is None


def test_what_was_laid_aside_is_purged_too(jobs: Jobs) -> None:
    jobs.submit(Submission("x", id="one"))
    claim = jobs.claim("c", "w", [QUEUE])
    assert claim is not None
    jobs.set_aside(claim)
    assert jobs.purge().cancelled == 1
    assert (jobs.get("one").status, jobs.queue(QUEUE).unserved) == ("cancelled", 0)


def test_a_purge_ends_in_time_and_leaves_alone_what_came_after_it(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.steering._CHUNK", 2)
    jobs.submit_many(Submission("x") for _ in range(7))
    assert (jobs.purge(seconds=0).cancelled, jobs.purge(seconds=0).left) == (0, 7)
    run = jobs.store.run

    def submits_meanwhile(name: str, *args: object, **more: object) -> object:
        reply = run(name, *args, **more)  # type: ignore[arg-type]
        if name == "purge" and not jobs.page(status="submitted", operation="late").jobs:
            jobs.submit(Submission("late", id="late"))
        return reply

    monkeypatch.setattr(jobs.store, "run", submits_meanwhile)
    assert jobs.purge().cancelled == 7
    assert entries(jobs) == [b"late"]
    assert take(jobs) == "late"


def test_a_purged_job_says_who_did_it_and_can_be_retried(jobs: Jobs) -> None:
    jobs.submit(Submission("x", id="one"))
    jobs.purge(by="ann")
    assert jobs.store.records.hget(f"{jobs.store.prefix}job.one", "cancelled_by") == b"ann"
    jobs.retry("one")
    assert take(jobs) == "one"


@pytest.mark.parametrize("action", ["pause", "resume", "drain", "open", "purge"])
def test_an_unknown_queue_is_refused(jobs: Jobs, action: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownQueue):
        getattr(jobs, action)("nowhere")


def test_an_order_to_a_worker_is_kept_for_its_beats_and_the_last_one_counts(jobs: Jobs) -> None:
    assert jobs.beat("w", {"kind": "worker"}, []) == (None, [])
    jobs.drain_worker("w")
    first, _ = jobs.beat("w", {"kind": "worker"}, [])
    jobs.resume_worker("w")
    second, _ = jobs.beat("w", {"kind": "worker"}, [])
    assert first is not None
    assert second is not None
    assert (first[0], second[0]) == ("drain", "resume")
    assert second[1] > first[1]
    assert [each["draining"] for each in jobs.workers()] == [False]


def test_a_worker_that_was_forgotten_meanwhile_is_shown_as_it_says_itself(jobs: Jobs) -> None:
    jobs.beat("w", {"kind": "worker"}, [])
    jobs.drain_worker("w")
    jobs.leave("w")
    jobs.beat("w", {"kind": "worker", "draining": True}, [])
    assert [(each["draining"], each["draining_since"]) for each in jobs.workers()] == [(True, None)]


def test_orders_to_strangers_and_consumers_are_refused(jobs: Jobs) -> None:
    with pytest.raises(UnknownWorker):
        jobs.drain_worker("nobody")
    jobs.beat("c", {"kind": "consumer"}, [])
    with pytest.raises(Conflict, match="takes no orders"):
        jobs.resume_worker("c")


def test_a_worker_is_listed_with_what_its_children_hold(jobs: Jobs) -> None:
    jobs.submit(Submission("x", id="one"))
    jobs.beat("w", {"children": 2}, [])
    assert jobs.workers()[0]["running"] == []
    assert take(jobs, "w/0") == "one"
    (running,) = jobs.workers()[0]["running"]
    assert (running["child"], running["job"], running["operation"]) == ("w/0", "one", "x")
    assert running["started"] == jobs.get("one").started
