"""Failed jobs that are alike: what they are known by, their groups, and many of them run again."""

from collections.abc import Callable
from typing import Any

import pytest

from lib.errors import InvalidInput
from lib.fingerprints import fingerprint
from lib.jobs import Jobs, Submission, failed
from tests.waiting import until

QUEUES = ["job-queue"]


def fail(jobs: Jobs, operation: str = "x", error: dict[str, Any] | None = None, **more: Any) -> str:
    """A job that has failed; its id."""
    jid = jobs.submit(Submission(operation, **more)).id
    fail_next(jobs, error)
    return jid


def fail_next(jobs: Jobs, error: dict[str, Any] | None = None) -> str:
    """Let the next job fail; its id."""
    claim = jobs.claim("c", "w", QUEUES)
    assert claim is not None
    jobs.finish(claim, failed({"type": "ValueError", "message": "no", "reason": "exception"} | (error or {})))
    return claim.id


def raised(function: Callable[[], Any]) -> Exception:
    """What a function raises."""
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def recursive(depth: int) -> int:
    return 1 // depth if depth == 0 else recursive(depth - 1)


def test_a_fingerprint_is_of_operation_type_and_code_and_not_of_message_line_or_depth() -> None:
    def broken(value: Any) -> Any:
        if value == "elsewhere":
            return int(value)
        return int(value)

    def other(value: Any) -> Any:
        return int(value)

    known = fingerprint("x", raised(lambda: broken("one")))
    assert len(known) == 16
    assert int(known, 16) >= 0
    same = raised(lambda: broken("elsewhere"))
    assert fingerprint("y", same) != known
    assert fingerprint("x", raised(lambda: broken(None))) != known  # a TypeError
    assert fingerprint("x", raised(lambda: other("one"))) != known
    assert len({fingerprint("x", raised(lambda depth=depth: recursive(depth))) for depth in (2, 5, 9)}) == 1  # type: ignore[misc]
    prints = {fingerprint("x", error) for error in (raised(lambda: [broken("one"), 1]), raised(lambda: [broken("elsewhere"), 1]))}
    assert len(prints) == 1


def test_jobs_that_failed_alike_are_one_group(jobs: Jobs) -> None:
    alike = [fail(jobs, error={"fingerprint": "0123456789abcdef", "message": f"number {n}"}) for n in range(3)]
    other = fail(jobs, error={"fingerprint": "fedcba9876543210"})
    groups, cursor = jobs.failures()
    assert cursor is None
    assert [(each.fingerprint, each.count, each.job, each.message) for each in groups] == [
        ("fedcba9876543210", 1, other, "no"),
        ("0123456789abcdef", 3, alike[2], "number 2"),
    ]
    records = [jobs.get(jid) for jid in alike]
    assert (groups[1].first, groups[1].operation, groups[1].type) == (records[0].ended, "x", "ValueError")
    assert groups[1].last is not None
    assert groups[1].last[:19] == str(records[2].ended)[:19]
    assert [job.id for job in jobs.page(fingerprint="0123456789abcdef").jobs] == alike[::-1]
    assert {job.fingerprint for job in records} == {"0123456789abcdef"}


def test_what_left_no_traceback_is_known_by_operation_type_and_reason(jobs: Jobs) -> None:
    timeout = {"type": "JobTimeout", "reason": "timeout"}
    first, second = (fail(jobs, error=timeout | {"message": f"after {n} s"}) for n in range(2))
    elsewhere = fail(jobs, "y", error=timeout)
    crash = fail(jobs, error={"type": "WorkerCrash", "reason": "crash"})
    spoiled = fail(jobs, error=timeout | {"fingerprint": "../jobs/with a name"})
    prints = {jid: jobs.get(jid).fingerprint for jid in (first, second, elsewhere, crash, spoiled)}
    assert prints[first] == prints[second] == prints[spoiled]
    assert len(set(prints.values())) == 3
    assert all(known and len(known) == 16 for known in prints.values())


@pytest.mark.parametrize("leave", ["retry", "delete", "expire", "retry_failed"])
def test_a_group_lives_as_long_as_one_of_its_jobs_stays_failed(jobs: Jobs, leave: str) -> None:
    ids = [fail(jobs) for _ in range(2)]

    def go(jid: str) -> None:
        if leave == "expire":
            jobs.store.records.zadd(f"{jobs.store.prefix}jobs.expiry", {jid: 1})
            jobs.store.run("expire", 100)
        elif leave == "retry_failed":
            jobs.retry_failed()
        else:
            getattr(jobs, leave)(jid)

    (group,), _ = jobs.failures()
    go(ids[0])
    if leave != "retry_failed":
        assert [(each.fingerprint, each.count, each.job) for each in jobs.failures()[0]] == [(group.fingerprint, 1, ids[1])]
        go(ids[1])
    assert jobs.failures() == ([], None)
    assert jobs.page(fingerprint=group.fingerprint).jobs == []
    assert not jobs.store.records.keys(f"{jobs.store.prefix}failures*")


def test_groups_come_in_pages(jobs: Jobs) -> None:
    known = [f"{n:016x}" for n in range(5)]
    for each in known:
        fail(jobs, error={"fingerprint": each})
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        groups, cursor = jobs.failures(cursor, limit=2)
        seen += [group.fingerprint for group in groups]
    assert (seen, cursor) == (known[::-1], None)


def test_all_that_failed_alike_is_run_again_and_nothing_else(jobs: Jobs) -> None:
    alike = [fail(jobs, error={"fingerprint": "a" * 16}) for _ in range(3)]
    other = fail(jobs, error={"fingerprint": "b" * 16})
    assert jobs.retry_failed("a" * 16).retried == 3
    assert [jobs.get(jid).status for jid in [*alike, other]] == ["submitted"] * 3 + ["failed"]
    assert [fail_next(jobs) for _ in range(3)] == alike  # in the order in which they were submitted
    assert jobs.retry_failed("a" * 16).retried == 0


def test_many_are_chosen_by_operation_queue_and_owner(jobs: Jobs) -> None:
    mine = fail(jobs, "x", by="me")
    yours = fail(jobs, "x", by="you")
    elsewhere = fail(jobs, "y", by="me")
    assert jobs.retry_failed(operation="x", by="me").retried == 1
    assert [jobs.get(jid).status for jid in (mine, yours, elsewhere)] == ["submitted", "failed", "failed"]
    assert jobs.retry_failed(queue="another").retried == 0
    assert jobs.retry_failed(queue="job-queue").retried == 2


def test_a_cursor_goes_on_and_never_comes_to_what_has_failed_again(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.failures._CHUNK", 2)
    ids = [fail(jobs) for _ in range(5)]
    done = jobs.retry_failed(seconds=0)
    assert (done.retried, done.left) == (2, 3)
    assert [fail_next(jobs) for _ in range(2)] == ids[:2]
    late = fail(jobs)
    done = jobs.retry_failed(seconds=0, cursor=done.cursor)
    assert (done.retried, done.left) == (2, 1)
    again = jobs.retry_failed(cursor=done.cursor)
    assert (again.retried, again.left, again.cursor) == (1, 0, None)
    assert [jobs.get(jid).run for jid in [*ids, late]] == [1] * 5 + [0]
    assert jobs.retry_failed(cursor=done.cursor).retried == 0  # the same call again


@pytest.mark.parametrize("cursor", ["", "1", "1-2", "a-1.000000", "1-1.0", "-1-1.000000"])
def test_what_is_no_cursor_or_fingerprint_is_refused(jobs: Jobs, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        jobs.retry_failed(cursor=cursor)
    with pytest.raises(InvalidInput, match="fingerprint"):
        jobs.retry_failed("A" * 16)
    with pytest.raises(InvalidInput, match="fingerprint"):
        jobs.page(fingerprint="x")
    with pytest.raises(InvalidInput, match="limit"):
        jobs.failures(limit=0)


def test_a_call_costs_the_same_with_many_failed_jobs(jobs: Jobs) -> None:
    def commands(action: Callable[[], Any]) -> int:
        before = jobs.store.records.info("commandstats")
        action()
        after = jobs.store.records.info("commandstats")
        return sum(
            int(after[name]["calls"]) - int(before.get(name, {"calls": 0})["calls"]) for name in after if "info" not in name
        )

    def costs() -> list[int]:
        return [commands(jobs.failures), commands(lambda: jobs.page(status="failed", limit=1)), commands(lambda: fail(jobs))]

    fail(jobs)
    jobs.failures()
    few = costs()
    for _ in range(50):
        fail(jobs)
    assert costs() == few


def test_a_worker_that_dies_leaves_its_jobs_in_one_group(jobs: Jobs) -> None:
    for name in ("one", "two"):
        jobs.submit(Submission("x", id=name, max_crashes=0))
        claim = jobs.claim(name, "w", QUEUES)
        assert claim is not None
        jobs.bury(name, claim.token, "crash", "crash", {"summary": f"signal 9 of {name}"})
    (group,), _ = jobs.failures()
    assert (group.count, group.type, group.reason) == (2, "WorkerCrash", "crash")
    until(lambda: jobs.get("two").fingerprint == group.fingerprint, 1, "the fingerprint")
