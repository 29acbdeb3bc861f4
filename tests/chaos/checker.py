"""Compares, job by job, what the event stream says with the ledger and the record. Pure: evidence in, violations out.

The event stream is written by the same scripts as the state, so it tells what Redis decided; the ledger tells what really
ran. `books` checks counts and keys of the whole.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from lib.states import IN_PROGRESS, NEW, SCHEDULED, SUBMITTED, TERMINAL, TRANSITIONS
from tests.chaos import books, requests
from tests.chaos.evidence import CRASHING, ENDS_RUNS, Case, Evidence, Violation, cases

ERRORS = frozenset({"exception", "timeout", "memory", "invalid", "stale"})  # reasons of the job's own failures
# Reasons said by others than the run itself.
TAKEN = frozenset({"lost", "crash", "unstarted", "lease lost", "lease unsure", "restored"})


@dataclass
class Holding:
    """One claim of a job, from its event to the event that ended it."""

    token: str
    since: float
    run: int  # number of explicit retries before
    until: float | None = None
    status: str = ""  # to which the job went
    reason: str = ""


def check(evidence: Evidence) -> list[Violation]:
    """Every violation; none is the promise kept."""
    found = [violation for case in cases(evidence) for violation in check_job(case, evidence)]
    if evidence.requests is not None:
        found += [Violation(kind, "", what) for kind, what in requests.check(evidence.requests, evidence.remains)]
    return found + books.check(evidence)


def check_job(case: Case, evidence: Evidence) -> list[Violation]:
    """Violations of one job."""
    holdings: list[Holding] = []
    told = list(_replay(case, holdings))
    for rule in (_end, _result, _runs, _overlaps, _charges, _budgets, _causes, _reruns, _answers):
        told += rule(case, holdings, evidence)
    return [Violation(kind, case.job, what, case.history()) for kind, what in told]


Told = Iterator[tuple[str, str]]


def _replay(case: Case, holdings: list[Holding]) -> Told:
    """Walk the events through the table of states, noting who held the job when."""
    status, attempt, run = NEW, 0, 0
    for event in case.events:
        if event.status in ("deleted", "expired"):
            continue
        held = holdings[-1] if holdings and status == IN_PROGRESS else None
        if event.reason in ("progress", "partial"):
            if held is None or event.token != held.token:
                yield "foreign-token", f"progress under {event.token}, which does not hold the job"
            continue
        if event.status not in TRANSITIONS[status]:
            both_end = status in TERMINAL and event.status in TERMINAL
            yield "two-ends" if both_end else "impossible-move", f"from {status} to {event.status} at {event.time:.3f}"
        if event.reason == "rerun":
            attempt, run = 0, run + 1
        if held is not None:
            if event.token != held.token:
                yield "foreign-token", f"{event.token} ended the claim of {held.token}"
            held.until, held.status, held.reason = event.time, event.status, event.reason
        if event.status == IN_PROGRESS:
            attempt = attempt + 1
            if event.attempt != attempt:
                yield "attempts", f"claim {attempt} of this run is numbered {event.attempt}"
            holdings.append(Holding(event.token, event.time, run))
        elif event.reason == "unserved":
            attempt -= 1
        status = event.status


def _end(case: Case, _holdings: list[Holding], _evidence: Evidence) -> Told:
    last = next((e for e in reversed(case.events) if e.reason not in ("progress", "partial")), None)
    if last is None:
        yield "lost-submit", "it was accepted, or ran, and there is no event of it"
    elif last.status in ("expired", "deleted"):
        if case.record is not None:
            yield "record-differs", f"it is {last.status} and has a record"
    elif case.record is None:
        yield "lost-submit" if case.acknowledged else "record-differs", "it has no record"
    elif case.record["status"] != last.status:
        yield "record-differs", f"the record says {case.record['status']}, the events {last.status}"
    elif last.status not in TERMINAL:
        yield "no-end", f"it is {last.status} after everything has calmed down"


def _result(case: Case, holdings: list[Holding], evidence: Evidence) -> Told:
    """The one result is of the token that held the job when it ended, and of a run that came to its end."""
    if case.record is None or case.record.get("status") not in TERMINAL:
        return
    record = case.record
    if record["status"] == "complete":
        last = holdings[-1] if holdings else Holding("", 0, 0)
        result = orjson.loads(record.get("result", "null"))
        token = result.get("token") if isinstance(result, dict) else None
        if token != last.token:
            yield "wrong-writer", f"the result was written by {token}, while {last.token} held the job"
        run = case.run(last.token)
        if run is None or run.end is None:
            yield "result-without-run", f"it is complete, and no run under {last.token} came to its end"
        said = evidence.remains.keys.get(f"job.{case.job}.files", {}).get("said.txt")
        if said is not None and not said.startswith(last.token):
            yield "wrong-file", f"the file is of {said[:22]}, while {last.token} held the job"
        if "error" in record:
            yield "two-results", "a complete job has an error"
    elif record["status"] == "failed" and ("error" not in record or "result" not in record):
        yield "no-result", "a failed job shows no error"
    elif record["status"] == "cancelled" and "result" in record:
        yield "two-results", "a cancelled job has a result"
    for name in ("token", "child", "cancel_requested", "progress", "partial", "staged"):
        if name in record:
            yield "orphan", f"the record of an ended job still has {name}={record[name]}"


def _runs(case: Case, holdings: list[Holding], _evidence: Evidence) -> Told:
    issued = {holding.token for holding in holdings}
    for run in case.runs:
        if run.token not in issued:
            yield "unknown-token", f"a process ran it under {run.token}, which no claim gave out"
        if len(run.starts) > 1:
            yield "ran-twice", f"{len(run.starts)} runs under one token {run.token}"


def _overlaps(case: Case, holdings: list[Holding], evidence: Evidence) -> Told:
    """Two runs may overlap only where the earlier one's lease had ended."""
    lease = evidence.remains.settings.lease_seconds
    for held in holdings:
        if held.reason == "lost" and held.until is not None and held.until - held.since < lease - 0.002:
            yield "reaped-early", f"{held.token} lost the job after {held.until - held.since:.3f} s of a lease of {lease:g} s"
    for earlier, later in itertools.pairwise(holdings):
        first, second = case.run(earlier.token), case.run(later.token)
        if first is None or second is None or not second.starts or earlier.token == later.token:
            continue
        if first.last > second.starts[0] and earlier.reason != "lost":
            yield "two-writers", f"{earlier.token} (given up: {earlier.reason}) still ran when {later.token} started"


def _charges(case: Case, holdings: list[Holding], _evidence: Evidence) -> Told:
    """The counters of the record are those of the events of its current run."""
    if case.record is None or "status" not in case.record:
        return
    current = int(case.record.get("run", 0))
    ended = [held for held in holdings if held.run == current and held.until is not None]
    told: Counter[str] = Counter()
    for held in ended:
        if held.status == "cancelled" or held.status == "complete":
            continue
        back = held.status in (SUBMITTED, SCHEDULED)
        if held.reason in ("crash", "lost"):
            told[{"crash": "crashes", "lost": "lost"}[held.reason]] += 1
        elif held.reason in ERRORS:
            told["retries"] += back
        elif held.reason != "unserved":
            told["releases"] += back
    for name in ("crashes", "lost", "retries", "releases"):
        recorded = int(case.record.get(name, 0))
        if recorded != told[name]:
            yield "charges", f"the record counts {recorded} {name}, the events {told[name]}"


def _budgets(case: Case, holdings: list[Holding], evidence: Evidence) -> Told:
    """It failed only for a reason whose budget was used up, and no budget was exceeded."""
    if case.record is None or "max_crashes" not in case.record:
        return
    allowed = {"crash": int(case.record["max_crashes"]), "lost": evidence.remains.settings.max_lost}
    by_run = Counter((held.run, held.reason) for held in holdings if held.reason in allowed and held.status != "cancelled")
    for (run, reason), number in by_run.items():
        if number > allowed[reason] + 1:
            yield "budget", f"{number} ends by {reason} in run {run}, {allowed[reason]} are survived"
    for held in holdings:
        if held.status != "failed":
            continue
        if held.reason in allowed:
            if by_run[held.run, held.reason] != allowed[held.reason] + 1:
                yield (
                    "failed-early",
                    f"failed by {held.reason} after {by_run[held.run, held.reason]}, {allowed[held.reason]} are survived",
                )
        elif held.reason == "timeout":
            continue  # whether it was due is asked in _causes
        elif held.reason != "exception":
            yield "failed-without-cause", f"failed for {held.reason}, which no operation of ours does"
        else:
            retried = sum(other.run == held.run and other.reason == "exception" for other in holdings) - 1
            if retried != int(case.record.get("max_retries", 0)):
                yield "failed-early", f"failed after {retried} retries of {case.record.get('max_retries', 0)}"


def _causes(case: Case, holdings: list[Holding], evidence: Evidence) -> Told:
    """Nothing is charged without a cause: a death that was ours or the job's own, a worker that could not renew."""
    operation = evidence.acknowledged.get(case.job, "")
    for held in holdings:
        if held.until is None:
            continue
        run = case.run(held.token)
        worker = run.worker if run is not None else ""
        causes = evidence.stops_renewal
        if run is None or run.marked is None or run.marked > held.until:
            causes |= {"stop-child"}  # frozen between claim and mark: its supervisor knew of no claim
        if held.reason == "lost" and not evidence.caused(causes, worker, held.since, held.until):
            yield "reaped-without-cause", f"{held.token} lost its lease, and nothing kept its worker from renewing it"
        if held.reason == "crash":
            if run is None or run.marked is None:
                yield "charged-unstarted", f"{held.token} was charged with a death, and never marked as started"
            if operation not in CRASHING and not evidence.caused(ENDS_RUNS, worker, held.since, held.until):
                yield "charged-without-cause", f"{held.token} was charged with a death that nobody caused"
        if held.reason == "unstarted" and run is not None and run.starts:
            yield "uncharged", f"{held.token} was given back as unstarted, and its run had started"
        if held.reason == "timeout" and case.record is not None:
            limit = float(case.record.get("timeout", 0))
            if held.until - held.since < limit - 0.01:
                yield "timeout-early", f"{held.token} timed out after {held.until - held.since:.3f} s of {limit:g} s"


def _reruns(case: Case, _holdings: list[Holding], evidence: Evidence) -> Told:
    asked, done = evidence.reruns.get(case.job, 0), sum(event.reason == "rerun" for event in case.events)
    if done > asked:
        yield "rerun-twice", f"it was run again {done} times and {asked} were asked for"


def _answers(case: Case, holdings: list[Holding], evidence: Evidence) -> Told:
    for answer in evidence.answers:
        if answer.job != case.job:
            continue
        held = next((held for held in holdings if held.token == answer.token), None)
        counted = held is not None and held.until is not None and held.reason not in TAKEN
        if counted != answer.counted:
            yield (
                "wrong-answer",
                f"{answer.token} was told that its outcome {'counts' if answer.counted else 'is stale'}; it is not so",
            )
