"""Jobs that wait for others: when they set out, what becomes of them where a parent does not become complete, and what stays."""

from typing import Any

import pytest

from lib.errors import Conflict, InvalidInput, UnknownJob, UnknownParent
from lib.jobs import Jobs, Submission, complete, failed
from lib.settings import Settings
from tests.unit.claiming import ERROR, claim
from tests.waiting import until


def end(jobs: Jobs, jid: str, error: bool = False) -> None:
    """Run the next job, which must be this one, to its end."""
    taken = claim(jobs)
    assert taken.id == jid
    jobs.finish(taken, failed(ERROR) if error else complete(b'{"of": "%s"}' % jid.encode()))


def submit(jobs: Jobs, jid: str, *parents: str, **more: Any) -> str:
    return jobs.submit(Submission("x", id=jid, depends_on=parents, **more)).id


def status(jobs: Jobs, jid: str) -> str:
    return jobs.get(jid).status


def test_a_job_waits_until_all_of_its_parents_are_complete(jobs: Jobs) -> None:
    submit(jobs, "a")
    submit(jobs, "b")
    submit(jobs, "child", "a", "b")
    assert (status(jobs, "child"), jobs.get("child").depends_on) == ("waiting", ["a", "b"])
    assert jobs.queue("job-queue").depth == 2
    end(jobs, "a")
    assert status(jobs, "child") == "waiting"
    end(jobs, "b")
    assert status(jobs, "child") == "submitted"
    end(jobs, "child")
    assert status(jobs, "child") == "complete"


def test_parents_that_are_complete_already_hold_up_nothing(jobs: Jobs) -> None:
    submit(jobs, "a")
    end(jobs, "a")
    assert submit(jobs, "child", "a") == "child"
    assert status(jobs, "child") == "submitted"


def test_the_end_of_a_parent_and_its_dependents_are_one_command(jobs: Jobs) -> None:
    submit(jobs, "a")
    for n in range(50):
        submit(jobs, f"child-{n:02}", "a")
    taken = claim(jobs)
    before = jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"]
    jobs.finish(taken, complete(b"1"))
    assert jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1
    assert jobs.counts()["submitted"] == 50
    assert claim(jobs, "d").id == "child-00"  # in the order of their submission


def test_more_dependents_than_one_end_may_tell_are_told_by_upkeep(jobs: Jobs) -> None:
    submit(jobs, "a")
    jobs.submit_many(Submission("x", depends_on=["a"]) for _ in range(350))
    end(jobs, "a")
    assert jobs.counts()["waiting"] == 250
    assert jobs.store.run("settle", 200) == 200
    assert jobs.store.run("settle", 200) == 50
    assert jobs.store.run("settle", 200) == 0
    assert jobs.counts() == jobs.counts() | {"waiting": 0, "submitted": 350}


@pytest.mark.parametrize("ended", ["failed", "cancelled"])
def test_what_depends_on_a_job_that_is_not_complete_fails_down_the_whole_chain(jobs: Jobs, ended: str) -> None:
    submit(jobs, "a")
    submit(jobs, "b", "a")
    submit(jobs, "c", "b")
    submit(jobs, "anyway", "a", allow_failure=True)
    if ended == "failed":
        end(jobs, "a", error=True)
    else:
        jobs.cancel("a")
    found = jobs.get("b")
    assert found.status == "failed"
    assert found.error == {
        "type": "ParentFailed",
        "message": f"Job a, on which it depends, is {ended}.",
        "reason": "parent",
        "evidence": {"job": "a", "status": ended},
    }
    assert (status(jobs, "c"), status(jobs, "anyway")) == ("failed", "submitted")
    assert jobs.counters()["failed|x|parent"] == 2


def test_a_chain_of_thousands_fails_in_bounded_steps(jobs: Jobs) -> None:
    jobs.submit_many(Submission("x", id=f"n{n}", depends_on=[f"n{n - 1}"] if n else []) for n in range(2_000))
    jobs.cancel("n0")
    assert jobs.counts()["failed"] < 1_000
    while jobs.store.run("settle", 500):
        pass
    assert jobs.counts() == jobs.counts() | {"failed": 1_999, "cancelled": 1, "waiting": 0}


def test_a_job_submitted_under_a_failed_parent_fails_as_if_the_parent_had_failed_later(jobs: Jobs) -> None:
    submit(jobs, "a")
    end(jobs, "a", error=True)
    submit(jobs, "child", "a")
    found = jobs.get("child")
    assert (found.status, found.error and found.error["reason"]) == ("failed", "parent")
    submit(jobs, "anyway", "a", allow_failure=True)
    assert status(jobs, "anyway") == "submitted"


def test_a_parent_that_is_not_there_is_refused_with_nothing_written(jobs: Jobs) -> None:
    with pytest.raises(UnknownParent, match="depends_on: there is no job ghost"):
        submit(jobs, "child", "ghost")
    with pytest.raises(UnknownJob):
        jobs.get("child")
    assert jobs.store.records.keys(f"{jobs.settings.key_prefix}*") == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"a": ["a"]}, "is the job itself"),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, "goes in a circle: "),
        ({"a": ["b c"]}, "must be the id of a job"),
        ({"a": [f"p{n}" for n in range(1_001)]}, "names 1001 jobs; there may be 1000"),
    ],
    ids=["itself", "circle", "no id", "too many"],
)
def test_dependencies_that_cannot_be_are_refused(jobs: Jobs, given: dict[str, list[str]], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        jobs.submit_many([Submission("x", id=jid, depends_on=parents) for jid, parents in given.items()])
    assert jobs.counts()["waiting"] == 0


def test_jobs_of_one_call_may_name_each_other_in_any_order(jobs: Jobs) -> None:
    given = [Submission("x", id=f"n{n}", depends_on=[f"n{n + 1}"] if n < 1_200 else []) for n in range(1_201)]
    assert [one.id for one in jobs.submit_many(given)] == [each.id for each in given]
    assert claim(jobs).id == "n1200"


def test_a_time_is_counted_from_the_end_of_the_parents(jobs: Jobs) -> None:
    submit(jobs, "a")
    submit(jobs, "later", "a", run_in=0.2)
    submit(jobs, "past", "a", run_at=1.0)
    assert status(jobs, "later") == "waiting"
    end(jobs, "a")
    assert (status(jobs, "later"), status(jobs, "past")) == ("scheduled", "submitted")
    until(lambda: jobs.store.run("promote", "job-queue", 10), 5, "its time")
    assert status(jobs, "later") == "submitted"


def test_a_waiting_job_is_cancelled_and_its_parent_runs_on(jobs: Jobs) -> None:
    submit(jobs, "a")
    submit(jobs, "child", "a")
    assert jobs.cancel("child") == "cancelled"
    end(jobs, "a")
    assert (status(jobs, "a"), status(jobs, "child")) == ("complete", "cancelled")


def test_a_retried_child_waits_for_what_it_depends_on_again(jobs: Jobs) -> None:
    submit(jobs, "a")
    submit(jobs, "child", "a")
    end(jobs, "a", error=True)
    with pytest.raises(Conflict, match="depends on job a, which is failed; retry that one first"):
        jobs.retry("child")
    assert jobs.get("child").run == 0
    jobs.retry("a")
    jobs.retry("child")
    assert status(jobs, "child") == "waiting"
    end(jobs, "a")
    end(jobs, "child")
    assert status(jobs, "child") == "complete"


def test_a_retried_parent_is_not_told_of_twice(jobs: Jobs) -> None:
    """A child of two waits for both, whatever the one does meanwhile."""
    submit(jobs, "a")
    submit(jobs, "b")
    submit(jobs, "child", "a", "b", allow_failure=True)
    end(jobs, "a", error=True)
    jobs.retry("a", 0)
    end(jobs, "b")
    assert status(jobs, "child") == "submitted"  # both have ended once
    end(jobs, "a", error=True)
    assert status(jobs, "child") == "submitted"


def test_a_parent_neither_expires_nor_is_deleted_before_its_dependents_have_ended(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"result_ttl": 1, "failed_ttl": 1}))
    submit(jobs, "a")
    submit(jobs, "b")
    submit(jobs, "child", "a", "b", result_ttl=60)
    end(jobs, "a")
    expiry = f"{settings.key_prefix}jobs.expiry"
    jobs.store.records.zadd(expiry, {"a": 1.0})
    assert jobs.store.run("expire", 100) == 0
    with pytest.raises(Conflict, match="Jobs that have not ended depend on job a"):
        jobs.delete("a")
    with pytest.raises(Conflict, match="Jobs that have not ended depend on job b"):
        jobs.delete("b")
    end(jobs, "b")
    end(jobs, "child")
    jobs.store.records.zadd(expiry, {"a": 1.0, "b": 1.0})
    assert jobs.store.run("expire", 100) == 2
    jobs.delete("child")
    assert not [key for key in jobs.store.records.keys(f"{settings.key_prefix}*") if b"job." in key]
    jobs.close()


def test_the_same_submit_again_waits_once(jobs: Jobs) -> None:
    submit(jobs, "a")
    one = Submission("x", id="child", depends_on=["a"])
    assert [jobs.submit(one).replayed for _ in range(2)] == [False, True]
    end(jobs, "a")
    assert jobs.queue("job-queue").depth == 1
    assert jobs.submit(one).replayed


def test_an_ordinary_end_looks_for_no_dependents(jobs: Jobs) -> None:
    def commands(parent: str) -> int:
        submit(jobs, parent)
        taken = claim(jobs)
        before = jobs.store.records.info("commandstats")
        jobs.finish(taken, complete(b"1"))
        after = jobs.store.records.info("commandstats")
        names = ("cmdstat_zrange", "cmdstat_zpopmin", "cmdstat_hmget")
        return sum(after.get(name, {"calls": 0})["calls"] - before.get(name, {"calls": 0})["calls"] for name in names)

    assert commands("a") == 1  # the record itself


def test_a_parent_that_is_named_twice_is_waited_for_once(jobs: Jobs) -> None:
    submit(jobs, "a")
    submit(jobs, "child", "a", "a")
    assert jobs.get("child").depends_on == ["a"]
    end(jobs, "a")
    end(jobs, "child")
    jobs.delete("a")


def test_many_jobs_with_many_parents_are_sent_in_small_parts(jobs: Jobs) -> None:
    parents = [f"p{n}" for n in range(100)]
    jobs.submit_many(Submission("x", id=parent) for parent in parents)
    before = jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"]
    jobs.submit_many(Submission("x", depends_on=parents) for _ in range(40))
    assert jobs.store.records.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 10


def test_what_depends_on_a_job_of_its_own_call_that_fails_at_once_fails_too(jobs: Jobs) -> None:
    submit(jobs, "a")
    end(jobs, "a", error=True)
    chain = [Submission("x", id="b", depends_on=["a"]), Submission("x", id="c", depends_on=["b"])]
    jobs.submit_batch(chain, id="batch")
    assert (status(jobs, "b"), status(jobs, "c"), jobs.batch("batch").failed) == ("failed", "failed", 2)
    assert jobs.claim("c", "w", ["job-queue"]) is None


def test_jobs_of_one_call_are_shown_in_the_order_in_which_they_run(jobs: Jobs) -> None:
    submit(jobs, "a")
    end(jobs, "a")
    jobs.submit_many([Submission("x", id="first", depends_on=["a"]), Submission("x", id="second"), Submission("x", id="third")])
    shown = sorted(("first", "second", "third"), key=lambda jid: jobs.position(jobs.get(jid)) or 0)
    for jid in shown:
        end(jobs, jid)


def test_a_job_does_not_hear_of_the_parents_of_a_deleted_one_that_had_its_id(jobs: Jobs) -> None:
    submit(jobs, "a")
    submit(jobs, "b")
    submit(jobs, "child", "a")
    jobs.delete("child")
    submit(jobs, "child", "b")
    end(jobs, "a")
    assert status(jobs, "child") == "waiting"
    end(jobs, "b")
    assert status(jobs, "child") == "submitted"


def test_a_job_under_the_id_of_a_parent_that_is_gone_is_kept_for_its_own_dependents(jobs: Jobs) -> None:
    submit(jobs, "a")
    submit(jobs, "early", "a", allow_failure=True)
    end(jobs, "a")
    jobs.cancel("early")
    jobs.delete("a")
    jobs.retry("early")
    submit(jobs, "a")
    submit(jobs, "late", "a")
    jobs.cancel("early")
    with pytest.raises(Conflict, match="depend on job a"):
        jobs.delete("a")
