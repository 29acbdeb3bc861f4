"""Claiming and ending: order, fencing, budgets, and that every call may be sent twice."""

from typing import Any

import orjson
import pytest

from lib.errors import JobsError, StaleClaim
from lib.jobs import ChildClosed, Claim, Jobs, Retry, Submission, complete, failed, released
from lib.settings import Settings
from tests.waiting import until

QUEUES = ["job-queue"]
ERROR: dict[str, Any] = {"type": "ValueError", "message": "no", "reason": "exception"}


def claim(jobs: Jobs, child: str = "c") -> Claim:
    """A claim that must succeed."""
    found = jobs.claim(child, "w", QUEUES)
    assert found is not None
    return found


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


def test_an_exception_is_retried_by_its_intervals_and_then_fails_with_every_attempt(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x", retry=Retry(max=2, intervals=[0, 3600], jitter=0))).id
    jobs.finish(claim(jobs), failed(ERROR))
    assert jobs.get(jid).status == "submitted"
    jobs.finish(claim(jobs), failed(ERROR))
    job = jobs.get(jid)
    assert (job.status, job.retries) == ("scheduled", 2)
    assert 3500 < jobs.store.queues.zscore(f"{jobs.settings.key_prefix}job-queue.scheduled", jid) - job.seq / 1e6 < 3700  # type: ignore[operator]
    jobs.store.queues.zadd(f"{jobs.settings.key_prefix}job-queue.scheduled", {jid: 0})
    assert jobs.store.run("promote", "job-queue", 10) == 1
    jobs.finish(claim(jobs), failed(ERROR))
    job = jobs.get(jid)
    assert (job.status, job.result, job.error) == ("failed", {"error": "no"}, ERROR)
    assert [(attempt["attempt"], attempt["outcome"]) for attempt in job.attempts] == [(n, "exception") for n in (1, 2, 3)]


def test_an_error_that_a_retry_cannot_mend_is_not_retried(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x", retry=Retry(max=5))).id
    jobs.finish(claim(jobs), failed(ERROR, may_retry=False))
    assert jobs.get(jid).status == "failed"


def test_a_released_job_goes_to_the_front_and_is_charged_nothing(jobs: Jobs) -> None:
    first, second = jobs.submit(Submission("x")).id, jobs.submit(Submission("x")).id
    jobs.finish(claim(jobs), released("worker stopped"))
    job = jobs.get(first)
    assert (job.status, job.releases, job.crashes, job.lost, job.retries) == ("submitted", 1, 0, 0, 0)
    assert (jobs.position(job), jobs.position(jobs.get(second))) == (0, 1)
    again = claim(jobs)
    assert (again.id, again.attempt) == (first, 2)


def test_a_death_charges_the_marked_job_until_its_budget_is_spent(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x", max_crashes=1)).id
    evidence = {"summary": "killed by SIGKILL", "signal": "SIGKILL"}
    held = claim(jobs, "a")
    jobs.append_log(held, ["nearly there"])
    assert jobs.bury("a", held.token, "crash", "crash", evidence) == (jid, "submitted")
    assert jobs.bury("a", held.token, "crash", "crash", evidence) is None
    assert jobs.get(jid).crashes == 1
    held = claim(jobs, "b")
    assert jobs.bury("b", held.token, "crash", "crash", evidence) == (jid, "failed")
    job = jobs.get(jid)
    assert job.error is not None
    assert (job.error["reason"], job.error["evidence"]["signal"], job.error["evidence"]["log"]) == (
        "crash",
        "SIGKILL",
        ["nearly there"],
    )
    assert "killed by SIGKILL" in job.result["error"]


def test_a_death_before_the_mark_charges_nothing(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    claim(jobs, "a")
    jobs.bury("a", "the token of the job before", "crash", "crash", {})
    job = jobs.get(jid)
    assert (job.status, job.crashes, job.releases) == ("submitted", 0, 1)


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


@pytest.mark.parametrize("how", ["released", "failed", "bury", "reap"])
def test_a_cancel_of_a_running_job_holds_whatever_frees_it(jobs: Jobs, how: str) -> None:
    jid = jobs.submit(Submission("x", retry=Retry(max=5))).id
    held = claim(jobs, "a")
    assert jobs.cancel(jid, by="ada") == "in-progress"
    assert jobs.beat("w", {}, [(held.id, held.token)])[1] == ["CANCEL"]
    if how == "released":
        jobs.finish(held, released("worker stopped"))
    elif how == "failed":
        jobs.finish(held, failed(ERROR))
    elif how == "bury":
        jobs.bury("a", held.token, "crash", "crash", {})
    else:
        jobs.store.queues.zadd(f"{jobs.settings.key_prefix}job-queue.leases", {jid: 0})
        jobs.store.records.hset(f"{jobs.settings.key_prefix}upkeep.seen", items=_seen(jobs))
        jobs.store.run("reap", "job-queue", 10, 10)
    assert jobs.get(jid).status == "cancelled"
    orders = jobs.store.records.xrange(f"{jobs.settings.key_prefix}control.w")
    assert [(fields[b"order"], fields[b"token"].decode()) for _, fields in orders] == [(b"cancel", held.token)]


def _seen(jobs: Jobs) -> list[Any]:
    """As if upkeep had been looking all the time."""
    seconds, micros = jobs.store.records.time()
    return ["run_id", jobs.store.records.info("server")["run_id"], "last", seconds + micros / 1e6, "not_before", 0]


def test_a_finish_that_comes_before_the_cancel_is_obeyed_wins(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    held = claim(jobs)
    jobs.cancel(jid)
    jobs.finish(held, complete(b"1"))
    assert jobs.get(jid).status == "complete"


def test_a_beat_tells_held_ended_and_lost_apart(jobs: Jobs) -> None:
    for _ in range(3):
        jobs.submit(Submission("x"))
    held, ended, lost = (claim(jobs, child) for child in "abc")
    jobs.finish(ended, complete(b"1"))
    jobs.bury("c", "", "released", "", {})
    pairs = [(one.id, one.token) for one in (held, ended, lost)]
    assert jobs.beat("w", {"pid": 1}, pairs)[1] == ["HELD", "ENDED", "LOST"]
    assert [worker["name"] for worker in jobs.workers()] == ["w"]


def test_progress_log_and_files_belong_to_the_token(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    first = claim(jobs, "a")
    jobs.progress(first, 1, 2, "half")
    assert jobs.get(jid).progress == {"done": 1, "total": 2, "note": "half"}
    jobs.stage_file(first, "plot.png", b"old", "image/png")
    jobs.bury("a", first.token, "released", "worker stopped", {})
    second = claim(jobs, "b")
    for write in (
        lambda: jobs.progress(first, 2, 2, ""),
        lambda: jobs.append_log(first, ["late"]),
        lambda: jobs.stage_file(first, "plot.png", b"late", "image/png"),
    ):
        with pytest.raises(StaleClaim):
            write()
    assert jobs.files(jid) == {}
    jobs.stage_file(second, "plot.png", b"new", "image/png")
    jobs.append_log(second, ["one", "two"])
    jobs.finish(second, complete(b"1"))
    assert jobs.file(jid, "plot.png") == (b"new", "image/png")
    assert jobs.files(jid) == {"plot.png": {"content_type": "image/png", "bytes": 3}}
    assert [line["line"] for line in jobs.log(jid)] == ["one", "two"]
    assert list(jobs.store.records.scan_iter(f"{jobs.settings.key_prefix}job.*.files.*")) == []


def test_files_have_a_limit_in_sum_and_a_replaced_file_counts_once(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"max_files_bytes": 10}))
    jobs.submit(Submission("x"))
    held = claim(jobs)
    jobs.stage_file(held, "a", b"12345678", "text/plain")
    jobs.stage_file(held, "a", b"123456", "text/plain")
    jobs.stage_file(held, "b", b"1234", "text/plain")
    with pytest.raises(Exception, match="MAX_FILES_BYTES"):
        jobs.stage_file(held, "c", b"1", "text/plain")


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


def test_wait_and_run_times_are_counted_in_the_script_that_moves_the_job(jobs: Jobs) -> None:
    jobs.submit(Submission("x"))
    jobs.finish(claim(jobs), complete(b"1"))
    counters = jobs.counters()
    for name in ("wait", "run"):
        buckets = [value for field, value in counters.items() if field.startswith(f"{name}|x|")]
        assert sum(buckets) == 1
        assert 0 < counters[f"{name}_us|x"] < 5_000_000
    assert counters["submitted|x|job-queue"] == counters["complete|x"] == 1


def test_every_move_is_an_event_in_order(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    held = claim(jobs)
    jobs.finish(held, complete(b"1"))
    entries = jobs.store.records.xrange(f"{jobs.settings.key_prefix}events")
    assert [(fields[b"id"].decode(), fields[b"status"].decode()) for _, fields in entries] == [
        (jid, "submitted"),
        (jid, "in-progress"),
        (jid, "complete"),
    ]


def test_a_result_of_any_json_comes_back_as_it_was(jobs: Jobs) -> None:
    value: dict[str, Any] = {"text": 'quote " and \u0000 and ü', "list": [1, 2.5, None, True, {}], "empty": []}
    jid = jobs.submit(Submission("x", {"deep": value})).id
    held = claim(jobs)
    assert held.params == {"deep": value}
    jobs.finish(held, complete(orjson.dumps(value)))
    assert jobs.get(jid).result == value


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
