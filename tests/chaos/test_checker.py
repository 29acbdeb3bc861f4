"""The checker sees what is wrong: a green run's evidence is spoiled in one place at a time."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lib.jobs import failed
from tests.chaos.checker import check
from tests.chaos.evidence import Evidence, Fault
from tests.chaos.history import Remains
from tests.chaos.ledger import Run
from tests.chaos.recovery import DEATHS, recoveries
from tests.chaos.requests import ACKNOWLEDGED, REFUSED, UNKNOWN, Request
from tests.chaos.scenarios.stage import Child, Stage


@pytest.fixture(scope="module")
def green(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Two jobs: `plain` is complete at once, `again` in its second attempt after a seen death."""
    folder: Path = tmp_path_factory.mktemp("checker")
    with Stage(folder) as stage:
        stage.submit("again")
        child = Child(stage, "first")
        claim = child.must_claim()
        child.start(claim)
        fault = stage.fault("kill-child", child.worker)
        stage.jobs.bury(child.name, claim.token, "crash", "crash", {"summary": "killed"})
        fault.end = fault.start
        stage.submit("plain")
        stage.run_what_waits()
        stage.dismiss()
        evidence = Evidence(
            stage.history.stop(),
            stage.ledger.runs(),
            stage.acknowledged,
            stage.faults,
            stage.reruns,
            stage.answers,
            [Request(("plain", "again"), "", ACKNOWLEDGED), Request(("never-came",), "", UNKNOWN)],
        )
    assert [str(violation) for violation in check(evidence)] == []
    return evidence


def _event(evidence: Evidence, job: str, n: int) -> int:
    """Index of the job's event number n."""
    return [at for at, event in enumerate(evidence.remains.events) if event.job == job][n]


def lose_a_record(evidence: Evidence) -> None:
    del evidence.remains.records["plain"]


def lose_a_submit(evidence: Evidence) -> None:
    evidence.acknowledged["never-seen"] = "ledger_noop"


def lose_the_end(evidence: Evidence) -> None:
    del evidence.remains.events[_event(evidence, "plain", -1)]
    evidence.remains.records["plain"]["status"] = "in-progress"


def end_twice(evidence: Evidence) -> None:
    last = evidence.remains.events[_event(evidence, "plain", -1)]
    evidence.remains.events.append(replace(last, status="failed", reason="exception"))


def end_under_another_token(evidence: Evidence) -> None:
    at = _event(evidence, "plain", -1)
    evidence.remains.events[at] = replace(evidence.remains.events[at], token="somebody")


def write_another_result(evidence: Evidence) -> None:
    evidence.remains.records["again"]["result"] = f'{{"token":"{evidence.runs["again"][0].token}"}}'


def run_on_after_being_given_up(evidence: Evidence) -> None:
    first, second = evidence.runs["again"]
    first.last = second.starts[0] + 1.0


def run_twice_under_one_token(evidence: Evidence) -> None:
    evidence.runs["plain"][0].starts *= 2


def run_under_no_token(evidence: Evidence) -> None:
    evidence.runs["plain"].append(Run("plain", "made-up", 1, "w", 1.0, [1.0], 1.0, 1.0))


def forget_the_end_of_the_run(evidence: Evidence) -> None:
    evidence.runs["plain"][0].end = None


def charge_too_little(evidence: Evidence) -> None:
    evidence.remains.records["again"]["crashes"] = "0"


def charge_without_a_mark(evidence: Evidence) -> None:
    evidence.runs["again"][0].marked = None


def charge_without_a_death(evidence: Evidence) -> None:
    evidence.faults.clear()


def _lose_the_lease(stalled: str) -> Callable[[Evidence], None]:
    def lose(evidence: Evidence) -> None:
        at = _event(evidence, "again", 2)
        event = evidence.remains.events[at]
        evidence.remains.events[at] = replace(event, reason="lost")
        evidence.faults[:] = [Fault("half-open", "first", event.time - 9, event.time - 8)]
        evidence.stalls[:] = [Fault("stalled", stalled, event.time - 5, event.time)]

    lose.__name__ = "lose_the_lease"
    return lose


def skip_an_attempt(evidence: Evidence) -> None:
    at = _event(evidence, "again", -2)
    evidence.remains.events[at] = replace(evidence.remains.events[at], attempt=7)


def miscount(evidence: Evidence) -> None:
    evidence.remains.counters["complete|ledger_noop"] += 1


def leave_the_index(evidence: Evidence) -> None:
    del evidence.remains.keys["jobs.complete"]["plain"]


def never_expire(evidence: Evidence) -> None:
    del evidence.remains.keys["jobs.expiry"]["plain"]


def _leave(name: str, value: object, ttl: int = -1) -> Callable[[Evidence], None]:
    def leave(evidence: Evidence) -> None:
        remains: Remains = evidence.remains
        remains.keys[name], remains.ttls[name] = value, ttl

    leave.__name__ = f"leave_{name}"
    return leave


def _end_a_worker(*silences: Fault) -> Callable[[Evidence], None]:
    """One that was told to end, a second after the beginning, is still listed."""

    def end(evidence: Evidence) -> None:
        evidence.faults += [Fault("end-worker", "ended", 101.0, 101.5), *silences]
        evidence.remains.keys["workers"] = {"ended-0a1b2c": 1.0}
        evidence.remains.ttls["workers"] = -1

    end.__name__ = f"end_a_worker_{'_'.join(each.kind for each in silences)}"
    return end


def miss_events(evidence: Evidence) -> None:
    evidence.remains.missed = 3


def _told(*requests: Request) -> Callable[[Evidence], None]:
    """The submitters were told this, too."""

    def tell(evidence: Evidence) -> None:
        assert evidence.requests is not None
        evidence.requests += requests
        evidence.remains.keys["idempotency./key"] = "again"
        evidence.remains.ttls["idempotency./key"] = -1

    tell.__name__ = f"told_{'_'.join(requests[0].ids)}_{requests[0].answer}"
    return tell


def nobody_asked(evidence: Evidence) -> None:
    evidence.requests = [Request(("again",), "", ACKNOWLEDGED)]


SPOILED: list[tuple[Callable[[Evidence], None], str]] = [
    (lose_a_record, "lost-submit"),
    (lose_a_submit, "lost-submit"),
    (lose_the_end, "no-end"),
    (end_twice, "two-ends"),
    (end_under_another_token, "foreign-token"),
    (write_another_result, "wrong-writer"),
    (run_on_after_being_given_up, "two-writers"),
    (run_twice_under_one_token, "ran-twice"),
    (run_under_no_token, "unknown-token"),
    (forget_the_end_of_the_run, "result-without-run"),
    (charge_too_little, "charges"),
    (charge_without_a_mark, "charged-unstarted"),
    (charge_without_a_death, "charged-without-cause"),
    (_lose_the_lease("another"), "reaped-without-cause"),
    (skip_an_attempt, "attempts"),
    (miscount, "counters"),
    (leave_the_index, "counts"),
    (never_expire, "counts"),
    (_leave("job-queue.leases", {"plain": 1.0}), "orphan"),
    (_leave("holds", {"child": "token plain"}), "orphan"),
    (_leave("hotqueue:job-queue", ["plain"]), "orphan"),
    (_leave("job.plain.files.token", {}), "orphan"),
    (_leave("job.plain.files.token", {}), "no-expiry"),
    (_leave("bell.child", []), "no-expiry"),
    (_leave("job.plain.log", None, ttl=60), "expiry"),
    (_leave("whatever", "x"), "unknown-key"),
    (_end_a_worker(), "orphan"),
    (_end_a_worker(Fault("kill-redis", "", 99.0, 100.9)), "orphan"),
    (_end_a_worker(Fault("half-open", "another", 102.0, 110.0)), "orphan"),
    (_end_a_worker(Fault("slow-network", "ended", 99.0, 110.0)), "orphan"),
    (miss_events, "missed-events"),
    (_told(Request(("plain",), "", REFUSED)), "refused-but-there"),
    (_told(Request(("plain", "third"), "", UNKNOWN)), "in-part"),
    (_told(Request(("plain",), "key", ACKNOWLEDGED)), "one-key-two-jobs"),
    (nobody_asked, "unasked"),
]


@pytest.mark.parametrize(("spoil", "kind"), SPOILED, ids=[f"{spoil.__name__}-{kind}" for spoil, kind in SPOILED])
def test_evidence_that_was_spoiled_turns_the_checker_red(green: Evidence, spoil: Callable[[Evidence], None], kind: str) -> None:
    evidence = copy.deepcopy(green)
    spoil(evidence)
    assert kind in {violation.kind for violation in check(evidence)}


def test_a_lease_may_be_lost_while_its_worker_waits_for_an_answer(green: Evidence) -> None:
    evidence = copy.deepcopy(green)
    worker = evidence.faults[0].worker
    _lose_the_lease(worker)(evidence)
    assert "reaped-without-cause" not in {violation.kind for violation in check(evidence)}


def test_a_worker_may_still_be_listed_that_ended_while_redis_could_not_hear_it(green: Evidence) -> None:
    evidence = copy.deepcopy(green)
    _end_a_worker(Fault("kill-redis", "", 102.0, 115.0))(evidence)
    assert check(evidence) == []


def test_the_time_until_a_job_runs_again_begins_with_the_kill(green: Evidence) -> None:
    (found,) = recoveries(green)
    first, second = green.runs["again"]
    assert (found.kind, found.job) == (DEATHS["kill-child"], "again")
    assert 0 < found.seconds < second.starts[0] - first.starts[0]


def test_a_kill_within_the_millisecond_of_its_event_is_its_cause(green: Evidence) -> None:
    evidence = copy.deepcopy(green)
    (taken,) = [event for event in evidence.remains.events if event.reason == "crash"]
    evidence.faults[0].start = taken.time + 0.0009
    assert [found.job for found in recoveries(evidence)] == ["again"]
    evidence.faults[0].start = taken.time + 0.0011
    assert recoveries(evidence) == []


def test_a_failure_needs_its_budget_used_up(tmp_path: Path) -> None:
    with Stage(tmp_path) as stage:
        stage.submit("hasty", "ledger_raise")
        child = Child(stage, "child")
        claim = child.must_claim()
        child.start(claim)
        child.end(claim, failed({"type": "E", "message": "no", "reason": "exception"}))
        assert [str(violation) for violation in stage.verdict()] == []
        remains = stage.history.stop()
    remains.records["hasty"]["max_retries"] = "2"
    evidence = Evidence(remains, stage.ledger.runs(), stage.acknowledged)
    assert "failed-early" in {violation.kind for violation in check(evidence)}
