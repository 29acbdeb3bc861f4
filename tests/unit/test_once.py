"""One job for many submits (unique, throttle, debounce), results taken from equal jobs, and quotas."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lib.errors import InvalidInput, QuotaExceeded
from lib.jobs import Accepted, Jobs, Quota, Submission, complete, failed
from lib.operations import Catalog, Operation, Params
from lib.settings import Settings
from tests.receivers import SECRET
from tests.unit.claiming import ERROR, claim
from tests.unit.telling import PUBLIC
from tests.waiting import until


def end(jobs: Jobs, jid: str, error: bool = False, result: bytes = b"1") -> None:
    taken = claim(jobs)
    assert taken.id == jid
    jobs.finish(taken, failed(ERROR) if error else complete(result))


def due(jobs: Jobs, jid: str) -> float:
    return float(jobs.store.queues.zscore(f"{jobs.settings.key_prefix}job-queue.scheduled", jid) or 0)


def told(one: Accepted) -> tuple[str, bool]:
    return one.id, one.deduplicated


def test_a_unique_job_stands_for_equal_ones_until_it_has_ended(jobs: Jobs) -> None:
    def submit(jid: str, n: int = 1) -> tuple[str, bool]:
        return told(jobs.submit(Submission("x", {"n": n, "m": 2}, id=jid, unique=True)))

    assert submit("a") == ("a", False)
    assert submit("b") == ("a", True)
    assert submit("other", n=2) == ("other", False)
    taken = claim(jobs)
    assert taken.id == "a"
    assert submit("c") == ("a", True)  # while it runs, too
    jobs.finish(taken, failed(ERROR))
    assert submit("d") == ("d", False)
    assert jobs.counters()["deduplicated|x"] == 2


def test_the_order_of_parameters_does_not_matter_and_a_key_replaces_them(jobs: Jobs) -> None:
    assert told(jobs.submit(Submission("x", {"a": 1, "b": 2}, id="a", unique=True))) == ("a", False)
    assert told(jobs.submit(Submission("x", {"b": 2, "a": 1}, unique=True))) == ("a", True)
    assert told(jobs.submit(Submission("x", {"n": 1}, id="k", unique=True, unique_key="road"))) == ("k", False)
    assert told(jobs.submit(Submission("x", {"n": 2}, unique_key="road"))) == ("k", True)  # alone it means unique
    assert told(jobs.submit(Submission("y", {"n": 1}, id="y", unique=True, unique_key="road"))) == ("y", False)


def test_equal_unique_jobs_of_one_call_are_one(jobs: Jobs) -> None:
    accepted = jobs.submit_many(Submission("x", id=f"n{n}", unique=True) for n in range(5))
    assert [told(one) for one in accepted] == [("n0", False), *[("n0", True)] * 4]
    assert jobs.queue("job-queue").depth == 1


def test_a_throttled_job_comes_once_in_its_time_even_when_it_has_ended(jobs: Jobs) -> None:
    first = Submission("x", id="a", throttle=0.3)
    assert told(jobs.submit(first)) == ("a", False)
    end(jobs, "a")
    assert told(jobs.submit(Submission("x", id="b", throttle=0.3))) == ("a", True)
    key = jobs.store.records.keys(f"{jobs.settings.key_prefix}unique.*")[0]
    until(lambda: not jobs.store.records.exists(key), 5, "the end of the time")
    assert told(jobs.submit(Submission("x", id="c", throttle=0.3))) == ("c", False)


def test_a_debounced_job_waits_for_the_last_one_and_takes_its_input(jobs: Jobs) -> None:
    def submit(jid: str, n: int) -> Accepted:
        return jobs.submit(Submission("x", {"n": n}, id=jid, debounce=60, unique_key="k"))

    assert told(submit("a", 1)) == ("a", False)
    first = due(jobs, "a")
    assert told(submit("b", 2)) == ("a", True)
    assert jobs.get("a").status == "scheduled"
    assert jobs.get("a").input == {"operation": "x", "params": {"n": 2}}
    second = due(jobs, "a")
    assert second > first
    jobs.store.queues.zadd(f"{jobs.settings.key_prefix}job-queue.scheduled", {"a": 1.0})
    assert jobs.store.run("promote", "job-queue", 10) == 1
    assert told(submit("c", 3)) == ("c", False)  # the first is on its way
    taken = claim(jobs)
    assert (taken.id, taken.params) == ("a", {"n": 2})


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"unique": True, "throttle": 5}, "throttle"),
        ({"throttle": 0}, "throttle"),
        ({"debounce": -1}, "debounce"),
        ({"debounce": float("nan")}, "debounce"),
        ({"unique": True, "unique_key": ""}, "unique_key"),
        ({"unique": True, "unique_key": "a\nb"}, "unique_key"),
        ({"debounce": 5, "run_in": 5}, "debounce"),
        ({"concurrency_key": "x" * 256}, "concurrency_key"),
        ({"run_in": 1, "run_at": 2.0}, "run_at"),
        ({"run_at": -1.0}, "run_at"),
    ],
)
def test_what_contradicts_itself_is_refused_by_its_name(jobs: Jobs, options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        jobs.submit(Submission("x", **options))
    assert error.value.field == field


# Results of equal jobs


class Anything(Params):
    n: int = 0


Make = Callable[..., Jobs]


@pytest.fixture
def make(settings: Settings) -> Iterator[Make]:
    """A queue of this release with the operation `x`, whose code and settings the arguments may change."""
    made: list[Jobs] = []

    def one(source: str = "1", cache: bool | None = None, **more: Any) -> Jobs:
        options: dict[str, Any] = {"params_model": Anything, "title": "X", "doc": "", "source_hash": source, "cache": cache}
        catalog = Catalog([Operation(name="x", function=lambda df, n: n, **options)])
        made.append(Jobs(settings.model_copy(update={"result_cache": True} | more), catalog))
        return made[-1]

    yield one
    for each in made:
        each.close()


def ran(jobs: Jobs, n: int = 1) -> str:
    """A job that ran, with a file."""
    jid = jobs.submit(Submission("x", {"n": n}, cache=False)).id
    taken = claim(jobs)
    assert taken.id == jid
    jobs.stage_file(taken, "plot.png", b"picture", "image/png")
    jobs.finish(taken, complete(b'{"n": 1}'))
    return jid


def test_an_equal_job_is_complete_at_once_with_the_result_and_files(make: Make) -> None:
    jobs = make()
    first = jobs.submit(Submission("x", {"n": 1})).id
    taken = claim(jobs)
    jobs.stage_file(taken, "plot.png", b"picture", "image/png")
    jobs.finish(taken, complete(b'{"n": 1}'))
    again = jobs.submit(Submission("x", {"n": 1}, id="again"))
    assert (again.cached, again.deduplicated, again.replayed) == (True, False, False)
    job = jobs.get("again")
    assert (job.status, job.result, job.cached, job.attempt) == ("complete", {"n": 1}, first, 0)
    assert jobs.file("again", "plot.png") == (b"picture", "image/png")
    assert jobs.queue("job-queue").depth == 0
    assert (jobs.counters()["cached|x"], jobs.counters()["complete|x"]) == (1, 2)
    assert jobs.submit(Submission("x", {"n": 1}, id="again")).replayed
    jobs.delete(first)
    assert jobs.file("again", "plot.png") == (b"picture", "image/png")
    assert jobs.submit(Submission("x", {"n": 1}, id="third")).cached  # the copy stands for it now


def test_a_job_that_is_complete_at_once_tells_so_once(make: Make) -> None:
    jobs = make(webhook_secret=SECRET)
    end(jobs, jobs.submit(Submission("x", {"n": 1})).id)
    again = Submission("x", {"n": 1}, id="again", notify=({**PUBLIC, "on": ["failed"]}, PUBLIC))
    assert jobs.submit(again).cached
    assert jobs.submit(again).replayed
    assert [(each.id, each.event) for each in jobs.deliveries("job", "again")] == [("job_again_0_2", "complete")]


@pytest.mark.parametrize(
    ("code", "more", "submission"),
    [
        ({}, {}, Submission("x", {"n": 2})),
        ({}, {}, Submission("x", {"n": 1}, cache=False)),
        ({}, {}, Submission("x", {"n": 1}, run_in=5)),
        ({"source": "2"}, {}, Submission("x", {"n": 1})),
        ({"cache": False}, {}, Submission("x", {"n": 1})),
        ({}, {"timezone": "UTC"}, Submission("x", {"n": 1})),
        ({}, {"result_cache": False}, Submission("x", {"n": 1})),
    ],
    ids=["parameters", "refused", "later", "code", "operation", "zone", "switched off"],
)
def test_what_is_not_equal_runs(make: Make, code: dict[str, Any], more: dict[str, Any], submission: Submission) -> None:
    jobs = make()
    first = jobs.submit(Submission("x", {"n": 1})).id
    end(jobs, first)
    assert jobs.submit(Submission("x", {"n": 1})).cached
    assert not make(**code, **more).submit(submission).cached


def test_new_data_makes_old_results_useless(make: Make, settings: Settings) -> None:
    jobs = make()
    first = jobs.submit(Submission("x", {"n": 1})).id
    end(jobs, first)
    jobs.store.records.set(f"{settings.key_prefix}data.current", "v2")
    assert not jobs.submit(Submission("x", {"n": 1})).cached


def test_a_result_is_of_the_data_with_which_its_job_ran(make: Make, settings: Settings) -> None:
    jobs = make()
    first = jobs.submit(Submission("x", {"n": 1})).id
    taken = claim(jobs)
    assert taken.id == first
    jobs.store.records.set(f"{settings.key_prefix}data.current", "v2")  # while it runs
    jobs.finish(taken, complete(b"1"))
    assert not jobs.submit(Submission("x", {"n": 1}, id="new")).cached


def test_failed_cancelled_and_expired_jobs_give_no_results(make: Make) -> None:
    jobs = make()
    first = jobs.submit(Submission("x", {"n": 1})).id
    end(jobs, first, error=True)
    second = jobs.submit(Submission("x", {"n": 1}))
    assert not second.cached
    end(jobs, second.id)
    jobs.delete(second.id)
    assert not jobs.submit(Submission("x", {"n": 1})).cached


def test_a_job_that_depends_on_others_never_takes_a_result(make: Make) -> None:
    jobs = make()
    first = jobs.submit(Submission("x", {"n": 1})).id
    end(jobs, first)
    assert not jobs.submit(Submission("x", {"n": 1}, depends_on=[first])).cached


# Quotas


def test_a_quota_of_jobs_that_have_not_ended_is_kept_over_all_that_becomes_of_them(jobs: Jobs) -> None:
    def submit(jid: str, by: str = "ada") -> str:
        return jobs.submit(Submission("x", id=jid, by=by, quota=Quota(pending=2))).id

    submit("a")
    submit("b")
    with pytest.raises(QuotaExceeded, match="quota is 2 jobs that have not ended") as error:
        submit("c")
    assert error.value.retry_after == 5
    submit("other", by="bob")
    end(jobs, "a", error=True)
    submit("c")
    jobs.cancel("b")
    submit("d")
    jobs.retry("a")  # somebody else's decision, which the quota does not refuse
    with pytest.raises(QuotaExceeded):
        submit("e")
    for jid in ("a", "c", "d", "other"):
        jobs.cancel(jid)
    assert jobs.store.records.hgetall(f"{jobs.settings.key_prefix}quota.pending") == {}


def test_a_quota_of_submits_counts_by_the_minute_and_says_when_it_is_over(jobs: Jobs) -> None:
    quota = Quota(per_minute=3)
    jobs.submit_many(Submission("x", by="ada", quota=quota) for _ in range(3))
    with pytest.raises(QuotaExceeded, match="3 jobs a minute") as error:
        jobs.submit(Submission("x", by="ada", quota=quota))
    assert 1 <= error.value.retry_after <= 60
    with pytest.raises(QuotaExceeded):
        jobs.submit_many(Submission("x", by="eve", quota=quota) for _ in range(4))
    assert jobs.counts()["submitted"] == 3


def test_a_replay_costs_no_quota(jobs: Jobs) -> None:
    one = Submission("x", id="a", by="ada", quota=Quota(pending=1, per_minute=1))
    assert [jobs.submit(one).replayed for _ in range(3)] == [False, True, True]
    assert jobs.get("a").by == "ada"
