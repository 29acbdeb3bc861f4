"""Submitting: what is accepted, what is refused, and what a repeated call does."""

from dataclasses import replace

import pytest

from lib.errors import Conflict, InvalidInput, QueueFull, StoreFull, StoreUnavailable, UnknownJob, UnknownQueue
from lib.jobs import Jobs, Retry, Submission
from lib.settings import Settings
from lib.states import TRANSITIONS
from tests.servers import Server, free_port


def test_an_accepted_job_waits_with_its_record_index_and_entry(jobs: Jobs) -> None:
    accepted = jobs.submit(Submission("top_locations", {"n": 5}, by="ada"))
    job = jobs.get(accepted.id)
    assert (job.status, job.operation, job.input, job.by) == (
        "submitted",
        "top_locations",
        {"operation": "top_locations", "params": {"n": 5}},
        "ada",
    )
    assert [listed.id for listed in jobs.page().jobs] == [job.id]
    stats = jobs.queue("job-queue")
    assert (stats.depth, stats.waiting["normal"], jobs.position(job)) == (1, 1, 0)
    assert jobs.store.queues.lrange(f"hotqueue:{jobs.settings.key_prefix}job-queue", 0, -1) == [job.id.encode()]


def test_a_submit_is_one_command(jobs: Jobs) -> None:
    jobs.submit(Submission("x"))
    before = jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"]
    jobs.submit(Submission("x"))
    assert jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1


def test_a_thousand_jobs_are_two_commands(jobs: Jobs) -> None:
    jobs.submit(Submission("x"))
    before = jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"]
    accepted = jobs.submit_many(Submission("x", {"n": n}) for n in range(1_000))
    assert jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 2
    assert [job.id for job in reversed(jobs.page(limit=1_000).jobs)] == [one.id for one in accepted]
    assert jobs.queue("job-queue").waiting["normal"] == 1_001


def test_jobs_submitted_together_keep_their_order(jobs: Jobs) -> None:
    accepted = jobs.submit_many(Submission("x", {"n": n}) for n in range(600))
    assert [jobs.claim(f"c{n}", "w", ["job-queue"]).id for n in range(5)] == [one.id for one in accepted[:5]]  # type: ignore[union-attr]
    assert jobs.position(jobs.get(accepted[599].id)) == 594


def test_the_same_submission_twice_is_one_job(jobs: Jobs) -> None:
    submission = Submission("x", {"n": 1})
    first, again = jobs.submit(submission), jobs.submit(submission)
    assert (first.replayed, again.replayed, first.id) == (False, True, again.id)
    assert jobs.counts()["submitted"] == jobs.queue("job-queue").depth == 1


def test_an_id_with_another_content_is_a_conflict(jobs: Jobs) -> None:
    submission = Submission("x", {"n": 1})
    jobs.submit(submission)
    for changed in (replace(submission, params={"n": 2}), replace(submission, priority="high"), replace(submission, timeout=5)):
        with pytest.raises(Conflict, match="stands for another job"):
            jobs.submit(changed)
    assert jobs.queue("job-queue").depth == 1


def test_an_idempotency_key_belongs_to_its_owner_and_lives_as_long_as_its_job(jobs: Jobs) -> None:
    ada, bob = (Submission("x", by=name, id=f"{name}-1") for name in ("ada", "bob"))
    first = jobs.submit(ada, idempotency_key="k")
    assert jobs.submit(replace(ada, id="ada-2"), idempotency_key="k") == type(first)(first.id, True)
    assert jobs.submit(bob, idempotency_key="k").id == "bob-1"
    with pytest.raises(Conflict, match="Idempotency-Key"):
        jobs.submit(replace(ada, id="ada-3", params={"n": 2}), idempotency_key="k")
    jobs.delete(first.id)
    assert jobs.submit(replace(ada, id="ada-4"), idempotency_key="k") == type(first)("ada-4", False)


def test_no_idempotency_key_comes_upon_that_of_an_owner_whose_name_goes_on_with_a_dot(jobs: Jobs) -> None:
    assert jobs.submit(Submission("x", by="ada.b", id="hers"), idempotency_key="k").id == "hers"
    assert jobs.submit(Submission("x", by="ada", id="his"), idempotency_key="b.k").id == "his"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": "x\n"}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"id": "job.1"}, "id"),
        ({"priority": "urgent"}, "priority"),
        ({"run_in": -1}, "run_in"),
        ({"run_in": float("nan")}, "run_in"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"retry": Retry(max=-1)}, "retry.max"),
        ({"retry": Retry(max=1, intervals=[-1])}, "retry.intervals"),
        ({"retry": Retry(max=1, jitter=2)}, "retry.jitter"),
        ({"result_ttl": 0}, "result_ttl"),
        ({"max_crashes": -1}, "max_crashes"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_and_nothing_is_queued(jobs: Jobs, change: dict, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        jobs.submit(replace(Submission("x"), **change))
    assert refusal.value.field == field
    assert jobs.queue("job-queue").depth == 0
    assert jobs.page().jobs == []


def test_an_unknown_queue_is_refused(jobs: Jobs) -> None:
    with pytest.raises(UnknownQueue, match="job-queue"):
        jobs.submit(Submission("x"), queue="elsewhere")


def test_one_bad_job_of_many_refuses_all(jobs: Jobs) -> None:
    many = [Submission("x") for _ in range(700)]
    with pytest.raises(InvalidInput):
        jobs.submit_many([*many, Submission("x", priority="urgent")])
    with pytest.raises(InvalidInput):
        jobs.submit_many([many[0], many[0]])
    assert jobs.queue("job-queue").depth == 0


def test_a_full_queue_takes_no_more_and_still_answers_a_repeated_submit(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"queue_limit": 3}))
    first = Submission("x")
    jobs.submit(first)
    jobs.submit(Submission("x", run_in=60))
    with pytest.raises(QueueFull, match="no more than 3"):
        jobs.submit_many([Submission("x"), Submission("x")])
    jobs.submit(Submission("x"))
    with pytest.raises(QueueFull):
        jobs.submit(Submission("x"))
    assert jobs.submit(first).replayed


def test_cancelled_jobs_in_the_list_do_not_count_against_the_limit(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"queue_limit": 2}))
    for _ in range(5):
        jobs.cancel(jobs.submit(Submission("x")).id)
    jobs.submit_many([Submission("x"), Submission("x")])
    assert jobs.queue("job-queue").depth == 2


def test_at_full_memory_submits_are_refused_and_running_jobs_end(tmp_path, settings: Settings) -> None:
    with Server(tmp_path / "redis") as server:
        jobs = Jobs(settings.model_copy(update={"redis_port": server.port}))
        jobs.submit(Submission("x"))
        claim = jobs.claim("c", "w", ["job-queue"])
        assert claim is not None
        jobs.store.records.config_set("maxmemory", "1")
        with pytest.raises(StoreFull, match="memory limit"):
            jobs.submit(Submission("x"))
        assert jobs.store.run("finish", claim.id, claim.token, "complete", "", b"{}", b"", 1, "") == b"OK"
        jobs.store.records.script_flush()
        assert jobs.claim("c", "w", ["job-queue"]) is None  # a script is loaded at full memory, too
        assert jobs.get(claim.id).status == "complete"


def test_without_redis_a_submit_says_so_within_its_patience(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"redis_port": free_port()}))
    jobs.store.patience = 0.2
    with pytest.raises(StoreUnavailable, match="does not answer"):
        jobs.submit(Submission("x"))


def test_a_delayed_job_is_scheduled_and_promoted_when_due(jobs: Jobs) -> None:
    now, later = jobs.submit(Submission("x", run_in=0.01)), jobs.submit(Submission("x", run_in=3600))
    assert jobs.get(now.id).status == jobs.get(later.id).status == "scheduled"
    while not jobs.store.run("promote", "job-queue", 10):
        pass
    assert jobs.get(now.id).status == "submitted"
    assert jobs.get(later.id).status == "scheduled"
    assert jobs.get(later.id).due > jobs.get(later.id).submitted  # type: ignore[operator]


def test_retry_runs_an_ended_job_again_once_and_keeps_the_ended_run(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    with pytest.raises(Conflict, match="only failed and cancelled"):
        jobs.retry(jid)
    jobs.cancel(jid, by="ada")
    assert not jobs.retry(jid, run=0)
    assert jobs.retry(jid, run=0)  # the reply was lost
    with pytest.raises(Conflict, match="is in run 1, not 2"):
        jobs.retry(jid, run=2)
    job = jobs.get(jid)
    assert (job.status, job.run, [run["status"] for run in job.runs]) == ("submitted", 1, ["cancelled"])
    assert jobs.queue("job-queue").waiting["normal"] == 1
    assert jobs.store.records.zscore(f"{jobs.settings.key_prefix}jobs.expiry", jid) is None
    claim = jobs.claim("c", "w", ["job-queue"])
    assert claim is not None
    assert claim.attempt == 1
    assert jobs.claim("d", "w", ["job-queue"]) is None  # the entry from before was dropped
    assert jobs.queue("job-queue").dead == 0


def test_delete_takes_everything_and_leaves_a_tombstone_only_while_the_id_is_listed(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    jobs.delete(jid)
    with pytest.raises(UnknownJob):
        jobs.get(jid)
    with pytest.raises(UnknownJob):
        jobs.cancel(jid)
    with pytest.raises(UnknownJob):
        jobs.delete(jid)
    assert jobs.page().jobs == []
    assert jobs.claim("c", "w", ["job-queue"]) is None
    assert jobs.store.records.exists(f"{jobs.settings.key_prefix}job.{jid}") == 0
    assert jobs.queue("job-queue").dead == 0


def test_a_running_job_is_not_deleted(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    jobs.claim("c", "w", ["job-queue"])
    with pytest.raises(Conflict, match="cancel it first"):
        jobs.delete(jid)


def test_the_state_table_ends_where_it_should() -> None:
    assert TRANSITIONS["complete"] == frozenset()
    assert {target for targets in TRANSITIONS.values() for target in targets} <= set(TRANSITIONS)
