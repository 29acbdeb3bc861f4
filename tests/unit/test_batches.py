"""Batches: all or nothing, one status, and an interrupted one is gone on with."""

from typing import Any

import pytest

from lib.errors import Conflict, InvalidInput, QueueFull, QuotaExceeded, UnknownBatch, UnknownParent
from lib.jobs import Jobs, Quota, Submission, complete, failed
from lib.settings import Settings
from lib.upkeep import Upkeep
from tests.unit.claiming import ERROR, claim


def some(number: int, **more: Any) -> list[Submission]:
    return [Submission("x", {"n": n}, id=f"n{n}", **more) for n in range(number)]


def keys(jobs: Jobs) -> set[str]:
    prefix = jobs.settings.key_prefix
    return {key.decode().removeprefix(prefix) for key in jobs.store.records.keys(f"{prefix}batch*")}


def test_ten_thousand_jobs_are_one_batch_and_few_commands(jobs: Jobs) -> None:
    jobs.submit_batch(some(1, result_ttl=5))
    before = jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"]
    batch, replayed = jobs.submit_batch(Submission("x", {"n": n}) for n in range(10_000))
    calls = jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"] - before
    assert calls <= 1 + 20 + 1  # open, a part of 500 jobs each, and perhaps one that was not known
    assert (batch.total, batch.pending, batch.status, batch.accepting, replayed) == (10_000, 10_000, "in-progress", 0, False)
    assert jobs.queue("job-queue").depth == 10_001
    page = jobs.page(batch=batch.id, limit=1_000)
    assert len(page.jobs) == 1_000
    assert {job.batch for job in page.jobs} == {batch.id}


def test_a_batch_ends_with_its_last_job(jobs: Jobs) -> None:
    batch, _ = jobs.submit_batch(some(3), id="b", by="ada")
    assert batch.by == "ada"
    for outcome in (complete(b"1"), failed(ERROR)):
        jobs.finish(claim(jobs), outcome)
        assert jobs.batch("b").status == "in-progress"
    jobs.cancel("n2")
    ended = jobs.batch("b")
    assert (ended.status, ended.complete, ended.failed, ended.cancelled, ended.pending) == ("failed", 1, 1, 1, 0)
    assert ended.ended is not None


def test_a_retried_job_opens_its_batch_again(jobs: Jobs) -> None:
    jobs.submit_batch(some(2), id="b")
    jobs.finish(claim(jobs), complete(b"1"))
    jobs.finish(claim(jobs), failed(ERROR))
    assert (jobs.batch("b").status, jobs.retry_batch("b")) == ("failed", 1)
    assert (jobs.batch("b").status, jobs.batch("b").pending, jobs.batch("b").ended) == ("in-progress", 1, None)
    jobs.finish(claim(jobs), complete(b"1"))
    assert (jobs.batch("b").status, jobs.batch("b").complete) == ("complete", 2)
    assert jobs.retry_batch("b") == 0


def test_all_of_a_batch_is_cancelled_at_once(jobs: Jobs) -> None:
    jobs.submit_batch(some(1_200), id="b")
    running = claim(jobs)
    assert jobs.cancel_batch("b", "ada") == (1_199, 1)
    jobs.finish(running, complete(b"1"))  # it came first
    assert (jobs.batch("b").status, jobs.batch("b").cancelled, jobs.batch("b").complete) == ("cancelled", 1_199, 1)
    assert jobs.cancel_batch("b") == (0, 0)


def test_the_same_batch_again_changes_nothing(jobs: Jobs) -> None:
    assert [jobs.submit_batch(some(600), id="b")[1] for _ in range(2)] == [False, True]
    assert (jobs.queue("job-queue").depth, jobs.batch("b").total) == (600, 600)
    with pytest.raises(Conflict, match="The id b stands for another batch"):
        jobs.submit_batch(some(2), id="b")


def test_jobs_of_a_batch_depend_on_each_other_and_on_others(jobs: Jobs) -> None:
    jobs.submit(Submission("x", id="before"))
    last = Submission("x", id="last", depends_on=[f"n{n}" for n in range(700)])
    jobs.submit_batch([last, *some(700, depends_on=["before"])], id="b")
    assert jobs.counts() == jobs.counts() | {"waiting": 701, "submitted": 1}
    jobs.finish(claim(jobs), failed(ERROR))
    while jobs.store.run("settle", 500):
        pass
    assert (jobs.batch("b").status, jobs.batch("b").failed) == ("failed", 701)


def test_a_submitter_that_dies_in_the_middle_leaves_a_whole_batch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dies(Exception):
        pass

    jobs = Jobs(settings)
    run, left = jobs.store.run, [3]

    def dying(name: str, *args: Any, **options: Any) -> Any:
        left[0] -= name == "fill_batch"
        if left[0] == 0:
            raise Dies
        return run(name, *args, **options)

    monkeypatch.setattr(jobs.store, "run", dying)
    with pytest.raises(Dies):
        jobs.submit_batch(some(2_600), id="b")
    monkeypatch.undo()
    found = jobs.batch("b")
    assert (found.total, found.accepting, jobs.queue("job-queue").depth) == (2_600, 4, 1_000)
    for _ in range(10):  # what is there may end meanwhile; the batch does not
        jobs.finish(claim(jobs), complete(b"1"))
    upkeep = Upkeep(jobs)
    upkeep.round()
    assert jobs.batch("b").accepting == 4  # its submitter may be at it still
    jobs.store.records.zadd(f"{settings.key_prefix}batches.open", {"b": 1.0})
    upkeep.round()
    assert (jobs.batch("b").accepting, jobs.queue("job-queue").depth) == (0, 2_590)
    assert jobs.submit_batch(some(2_600), id="b")[1]  # its submitter comes back
    assert jobs.queue("job-queue").depth == 2_590
    jobs.close()


def test_a_batch_of_which_all_was_there_already_is_no_batch_without_an_end(jobs: Jobs) -> None:
    jobs.submit(Submission("x", {"n": 1}, id="first", unique=True))
    batch, _ = jobs.submit_batch([Submission("x", {"n": 1}, unique=True) for _ in range(3)])
    assert (batch.total, batch.deduplicated, batch.status) == (0, 3, "complete")


def test_a_batch_goes_with_its_time_and_leaves_no_key(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"result_ttl": 1, "failed_ttl": 1}))
    jobs.submit_batch(some(2), id="b")
    for _ in range(2):
        jobs.finish(claim(jobs), complete(b"1"))
    assert keys(jobs) == {"batch.b", "batch.b.jobs", "batches", "batches.expiry"}
    jobs.store.records.zadd(f"{settings.key_prefix}batches.expiry", {"b": 1.0})
    jobs.store.run("expire", 100)
    assert keys(jobs) == set()
    with pytest.raises(UnknownBatch):
        jobs.batch("b")
    jobs.close()


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ([], InvalidInput, "jobs: must be 1 to 10,000 jobs, not 0"),
        (some(10_001), InvalidInput, "jobs: must be 1 to 10,000 jobs, not 10,001"),
        ([*some(2), Submission("x", priority="urgent")], InvalidInput, "jobs.2.priority: must be one of"),
        ([*some(2), Submission("x", id="n1")], InvalidInput, "n1 stands twice"),
        ([Submission("x", depends_on=["ghost"])], UnknownParent, "jobs.0.depends_on.0: there is no job ghost"),
        ([Submission("x", id="taken")], Conflict, "The id taken of jobs.0 stands for another job"),
        (some(8), QueueFull, "takes no more than 5"),
        (some(4, by="ada", quota=Quota(pending=3)), QuotaExceeded, "quota is 3 jobs"),
    ],
    ids=["empty", "too many", "bad job", "twice", "no parent", "taken id", "full", "quota"],
)
def test_a_batch_that_cannot_be_leaves_nothing(
    settings: Settings, given: list[Submission], error: type[Exception], words: str
) -> None:
    jobs = Jobs(settings.model_copy(update={"queue_limit": 5}))
    jobs.submit(Submission("y", id="taken"))
    with pytest.raises(error, match=words):
        jobs.submit_batch(given, id="b", by="ada", quota=Quota(pending=3))
    assert (keys(jobs), jobs.queue("job-queue").depth) == (set(), 1)
    jobs.close()


def test_batches_are_listed_the_newest_first_page_by_page(jobs: Jobs) -> None:
    for n in range(5):
        jobs.submit_batch([Submission("x")], id=f"b{n}")
    first, cursor = jobs.batches(limit=3)
    second, last = jobs.batches(limit=3, cursor=cursor)
    assert ([batch.id for batch in first], [batch.id for batch in second], last) == (["b4", "b3", "b2"], ["b1", "b0"], None)


def test_a_job_that_comes_under_the_id_of_a_deleted_one_is_none_of_its_batch(jobs: Jobs) -> None:
    jobs.submit_batch(some(2), id="b")
    jobs.cancel("n0")
    jobs.delete("n0")
    assert claim(jobs).id == "n1"  # the entry of the deleted one is dropped on the way
    jobs.submit(Submission("x", id="n0"))
    assert [job.id for job in jobs.page(batch="b").jobs] == ["n1"]
    assert jobs.cancel_batch("b") == (0, 1)
    assert jobs.get("n0").status == "submitted"


def test_a_batch_is_kept_as_long_as_any_of_its_jobs_may_be(jobs: Jobs) -> None:
    brief: dict[str, Any] = {"result_ttl": 10, "failed_ttl": 20}
    for bid, given in (("brief", [brief, brief]), ("mixed", [brief, {}])):
        jobs.submit_batch([Submission("x", id=f"{bid}-{n}", **each) for n, each in enumerate(given)], id=bid)
    kept = [int(jobs.store.records.hget(f"{jobs.store.prefix}batch.{bid}", "ttl") or 0) for bid in ("brief", "mixed")]
    assert kept == [20, max(jobs.settings.result_ttl, jobs.settings.failed_ttl)]
