"""Many jobs cancelled, retried or deleted at once."""

import pytest

from lib.bulk import MOST_AT_ONCE
from lib.errors import Conflict, QueueDraining, UnknownJob
from lib.jobs import Jobs, Submission, failed


def fail(jobs: Jobs) -> str:
    """Run the next job to its end: failed; its id."""
    claim = jobs.claim("child", "worker", ["job-queue"])
    assert claim is not None
    jobs.finish(claim, failed({"type": "E", "message": "no", "reason": "exception"}, may_retry=False))
    return claim.id


def test_each_gets_its_own_outcome(jobs: Jobs) -> None:
    broken, running, waiting = (jobs.submit(Submission("x", id=name)).id for name in ("broken", "running", "waiting"))
    fail(jobs)
    jobs.claim("child", "worker", ["job-queue"])
    needed = jobs.submit(Submission("x", id="needed", run_in=60)).id
    jobs.submit(Submission("x", id="child", depends_on=[needed]))
    ids = [broken, running, waiting, needed, "nobody", "no id", broken]
    heads = jobs.heads(ids)
    assert list(heads) == [broken, running, waiting, needed]
    cancelled = jobs.each("cancel", {jid: heads[jid] for jid in (broken, running, waiting)}, "ann")
    assert [type(one) if isinstance(one, Exception) else one for one in cancelled.values()] == [
        Conflict,
        "in-progress",
        "cancelled",
    ]
    retried = jobs.each("retry", heads, "ann")
    assert [type(one) if isinstance(one, Exception) else one for one in retried.values()] == [
        "retried",
        Conflict,
        "retried",
        Conflict,
    ]
    deleted = jobs.each("delete", heads, "ann")
    assert [type(one) if isinstance(one, Exception) else one for one in deleted.values()] == [
        "deleted",
        Conflict,
        "deleted",
        Conflict,
    ]
    assert [job.id for job in jobs.page().jobs] == ["child", needed, running]


def test_a_retry_that_is_repeated_runs_a_job_again_once(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    fail(jobs)
    heads = jobs.heads([jid])
    assert jobs.each("retry", heads) == jobs.each("retry", heads) == {jid: "retried"}
    assert jobs.get(jid).run == 1
    fail(jobs)
    assert jobs.each("retry", heads) == {jid: "retried"}
    assert jobs.get(jid).status == "failed"


def test_what_has_gone_since_it_was_looked_at_is_unknown_or_deleted(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    heads = jobs.heads([jid])
    jobs.delete(jid)
    assert isinstance(jobs.each("cancel", heads)[jid], UnknownJob)
    assert isinstance(jobs.each("retry", heads)[jid], UnknownJob)
    assert jobs.each("delete", heads) == {jid: "deleted"}


def test_a_draining_queue_takes_no_retries(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    fail(jobs)
    jobs.drain()
    assert isinstance(jobs.each("retry", jobs.heads([jid]))[jid], QueueDraining)


def test_a_key_of_another_program_in_a_jobs_place_is_no_job(jobs: Jobs) -> None:
    jobs.store.records.set(f"{jobs.settings.key_prefix}job.odd", "text")
    assert list(jobs.heads(["odd", jobs.submit(Submission("x", id="ours")).id])) == ["ours"]


def test_a_thousand_take_a_call_for_every_hundred(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [one.id for one in jobs.submit_many(Submission("x") for _ in range(MOST_AT_ONCE))]
    calls: list[str] = []
    run, read = jobs.store.run, jobs.store.read
    monkeypatch.setattr(jobs.store, "run", lambda *args: calls.append(args[0]) or run(*args))  # type: ignore[func-returns-value]
    monkeypatch.setattr(jobs.store, "read", lambda action: calls.append("read") or read(action))  # type: ignore[func-returns-value]
    assert set(jobs.each("cancel", jobs.heads(ids)).values()) == {"cancelled"}
    assert calls == ["read"] + ["each"] * 10
    assert jobs.counts()["cancelled"] == MOST_AT_ONCE
