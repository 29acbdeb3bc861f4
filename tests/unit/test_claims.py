"""Claiming: order, fencing, and that every call may be sent twice; what is laid aside, and what others left in the way."""

import pytest

from lib.errors import JobsError, StaleClaim
from lib.jobs import ChildClosed, Jobs, Submission, complete
from lib.settings import Settings
from tests.unit.claiming import QUEUES, claim
from tests.waiting import until


def calls(jobs: Jobs) -> int:
    """Scripts that the server ran so far."""
    return int(jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"])


def test_jobs_come_by_priority_and_then_in_order(jobs: Jobs) -> None:
    order = ["low", "normal", "high", "normal", "high"]
    ids = {jobs.submit(Submission("x", priority=priority, id=f"{n}-{priority}")).id for n, priority in enumerate(order)}
    taken = [claim(jobs, f"c{n}").id for n in range(len(ids))]
    assert taken == ["2-high", "4-high", "1-normal", "3-normal", "0-low"]


def test_positions_are_the_order_in_which_jobs_are_claimed(jobs: Jobs) -> None:
    for n, priority in enumerate(["low", "normal", "high", "normal"]):
        jobs.submit(Submission("x", priority=priority, id=f"{n}"))
    positions = {job.id: jobs.position(job) for job in jobs.page().jobs}
    assert positions == {"2": 0, "1": 1, "3": 2, "0": 3}


def test_a_child_serves_its_queues_in_their_order(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"queues": ["second"]}))
    second, first = jobs.submit(Submission("x"), queue="second"), jobs.submit(Submission("x"))
    assert [jobs.claim(c, "w", ["job-queue", "second"]).id for c in "ab"] == [first.id, second.id]  # type: ignore[union-attr]
    jobs.submit(Submission("x"), queue="second")
    assert jobs.claim("c", "w", ["job-queue"]) is None


def test_finish_and_the_next_claim_are_one_round_trip(jobs: Jobs) -> None:
    for _ in range(3):
        jobs.submit(Submission("x"))
    held = claim(jobs)
    jobs.turn(held, complete(b"1"), "other", "w", [])  # the script is loaded now
    held = claim(jobs)
    before = calls(jobs)
    counted, following = jobs.turn(held, complete(b"2"), "c", "w", QUEUES)
    assert calls(jobs) == before + 1
    assert counted
    assert following is not None
    assert jobs.get(held.id).result == 2


def test_a_turn_for_another_child_finds_what_that_one_holds(jobs: Jobs) -> None:
    for _ in range(3):
        jobs.submit(Submission("x"))
    mine, others = claim(jobs), claim(jobs, "other")
    with pytest.raises(JobsError, match="already holds"):
        jobs.turn(mine, complete(b"1"), "other", "w", QUEUES)
    assert jobs.get(mine.id).status == "complete"
    jobs.finish(others, complete(b"1"))


def test_a_result_under_a_token_that_no_longer_holds_is_dropped_and_counted(jobs: Jobs) -> None:
    jobs.submit(Submission("x"))
    first = claim(jobs, "a")
    jobs.bury("a", "", "crash", "", {})
    second = claim(jobs, "b")
    assert first.id == second.id
    with pytest.raises(StaleClaim):
        jobs.finish(first, complete(b'"late"'))
    jobs.finish(second, complete(b'"right"'))
    with pytest.raises(StaleClaim):
        jobs.finish(first, complete(b'"later"'))
    assert jobs.get(first.id).result == "right"
    assert jobs.counters()["stale|x"] == 2


def test_a_finish_sent_twice_counts_once(jobs: Jobs) -> None:
    jobs.submit(Submission("x"))
    held = claim(jobs)
    jobs.finish(held, complete(b"1"))
    jobs.finish(held, complete(b"1"))
    assert jobs.counters()["complete|x"] == 1
    assert "stale|x" not in jobs.counters()


def test_a_claim_sent_twice_gives_the_same_job(jobs: Jobs) -> None:
    jobs.submit(Submission("x"))
    jobs.submit(Submission("x"))
    first = jobs.store.run("claim", "c", "w", "token-1", *QUEUES)
    assert jobs.store.run("claim", "c", "w", "token-1", *QUEUES) == first
    assert jobs.counts()["in-progress"] == 1
    assert jobs.store.run("claim", "c", "w", "token-2", *QUEUES)[0] == b"BUSY"


def test_a_turn_sent_twice_finishes_once_and_gives_the_same_job(jobs: Jobs) -> None:
    for _ in range(3):
        jobs.submit(Submission("x"))
    held = claim(jobs)
    arguments = [*complete(b"1").arguments(held), "c", "w", "token-2", *QUEUES]
    first, again = jobs.store.run("turn", *arguments), jobs.store.run("turn", *arguments)
    assert (first[0], again[0]) == (b"OK", b"AGAIN")
    assert first[1] == again[1]
    assert jobs.counts() | {"in-progress": 1, "complete": 1, "submitted": 1} == jobs.counts()


def test_a_buried_child_gets_no_job_from_a_claim_that_was_under_way(jobs: Jobs) -> None:
    assert jobs.claim("a", "w", QUEUES) is None
    jobs.bury("a", "", "released", "", {})
    jobs.submit(Submission("x"))
    with pytest.raises(ChildClosed):
        jobs.claim("a", "w", QUEUES)
    assert jobs.queue("job-queue").idle_children == 0
    assert jobs.queue("job-queue").depth == 1


def test_a_submit_rings_one_idle_child_and_takes_it_out_of_every_set(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"queues": ["second"]}))
    for child in ("a", "b"):
        assert jobs.claim(child, "w", ["job-queue", "second"]) is None
    jobs.submit(Submission("x", priority="low"), queue="second")
    rung = [child for child in ("a", "b") if jobs.store.queues.llen(f"{settings.key_prefix}bell.{child}")]
    assert len(rung) == 1
    assert [jobs.queue(name).idle_children for name in ("job-queue", "second")] == [1, 1]
    assert jobs.wait_for_bell(rung[0])


def test_a_cancelled_job_is_dropped_by_the_claim_and_a_hundred_in_one_call(jobs: Jobs) -> None:
    accepted = jobs.submit_many(Submission("x") for _ in range(150))
    last = jobs.submit(Submission("x")).id
    for one in accepted:
        assert jobs.cancel(one.id) == "cancelled"
    assert (jobs.queue("job-queue").dead, jobs.queue("job-queue").depth) == (150, 1)
    before = calls(jobs)
    assert claim(jobs).id == last
    assert calls(jobs) == before + 2
    assert jobs.queue("job-queue").dead == 0


def test_a_job_that_a_worker_cannot_run_waits_for_one_that_can(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("new_operation")).id
    held = claim(jobs)
    jobs.set_aside(held)
    jobs.set_aside(held)
    stats = jobs.queue("job-queue")
    assert (stats.unserved, stats.depth, jobs.get(jid).status, jobs.get(jid).attempt) == (1, 0, "submitted", 0)
    assert jobs.register(QUEUES, 1, ["other"]) == 0
    assert jobs.register(QUEUES, 0, ["new_operation"]) == 0
    assert jobs.register(QUEUES, 1, ["other", "new_operation"]) == 1
    assert claim(jobs).id == jid


def test_a_worker_that_looks_at_few_of_the_jobs_laid_aside_finds_its_own_in_the_end(jobs: Jobs) -> None:
    for operation in ("foreign", "own", "foreign", "foreign"):
        jobs.submit(Submission(operation))
        jobs.set_aside(claim(jobs))
    until(lambda: jobs.register(QUEUES, 1, ["own"], most=1), 30, "its own")
    assert (claim(jobs).operation, jobs.queue("job-queue").unserved) == ("own", 3)


def test_to_register_again_where_nothing_lies_aside_costs_redis_one_look(jobs: Jobs) -> None:
    def commands() -> dict[str, int]:
        return {name: int(stats["calls"]) for name, stats in jobs.store.records.info("commandstats").items()}

    jobs.register(QUEUES, 1, ["x"])
    before = commands()
    jobs.register(QUEUES, 1, ["x"])
    spent = {name.removeprefix("cmdstat_"): n - before.get(name, 0) for name, n in commands().items()}
    spent = {name: n for name, n in spent.items() if n and name not in ("info", "exists", "time", "select")}
    assert spent == {"evalsha": 1, "zcard": 1}


def test_a_job_that_nobody_serves_fails_after_its_time(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("gone")).id
    jobs.set_aside(claim(jobs))
    assert jobs.store.run("abandon", "job-queue", 3600, 10) == 0
    assert jobs.store.run("abandon", "job-queue", -1, 10) == 1
    assert "No worker knows the operation gone" in jobs.get(jid).result["error"]


def test_a_foreign_key_of_another_type_neither_breaks_a_claim_nor_loses_an_entry(jobs: Jobs) -> None:
    prefix = jobs.settings.key_prefix
    jobs.store.queues.set(f"hotqueue:{prefix}job-queue:high", "not a list")
    jobs.store.records.set(f"{prefix}job.odd", "not a hash")
    jobs.store.queues.rpush(f"hotqueue:{prefix}job-queue", "odd")
    jid = jobs.submit(Submission("x")).id
    assert claim(jobs).id == jid
    assert jobs.store.queues.lrange(f"{prefix}job-queue.rejected", 0, -1) == [b"odd"]


def test_what_stands_in_the_place_of_the_rejected_or_paused_ones_costs_no_list(jobs: Jobs) -> None:
    prefix = jobs.settings.key_prefix
    list_key = f"hotqueue:{prefix}job-queue"
    jobs.store.queues.set(f"{prefix}job-queue.rejected", "not a list")
    jobs.store.queues.rpush(list_key, b"\xff unreadable", b"\xfe unreadable")
    jobs.submit(Submission("x"))
    assert claim(jobs).operation == "x"
    assert jobs.store.queues.llen(f"{prefix}job-queue.rejected") == 2
    jobs.store.queues.set(f"{list_key}.paused", "not a list")
    jid = jobs.submit(Submission("x")).id
    jobs.pause("job-queue")
    jobs.resume("job-queue")
    assert claim(jobs, "d").id == jid


def test_a_job_that_is_taken_by_its_id_leaves_no_dead_entry_behind(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    jobs.cancel(jid)
    jobs.retry(jid)  # its first entry is still in the list
    taken = jobs.take(jid, "c", "w")
    assert taken is not None
    jobs.finish(taken, complete(b"1"))
    assert (jobs.queue("job-queue").dead, jobs.queue("job-queue").depth) == (0, 0)
    jobs.delete(jid)
    assert not jobs.store.records.exists(f"{jobs.settings.key_prefix}job.{jid}")
