"""How soon a job ran again after the process that ran it was killed, frozen or cut off: from the fault to the start of its next
run, by kind of fault. Pure; and the block of figures that `make chaos` prints for docs/reliability.md.
"""

import itertools
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.chaos.evidence import CRASHING, Evidence, Fault, Violation

ITSELF = "the job kills its own process"
# Faults that take a run away, as they stand in the block.
DEATHS = {
    "kill-child": "SIGKILL of the process that runs it",
    "kill-nursery": "SIGKILL of the parent of those",
    "kill-supervisor": "SIGKILL of the worker's first process",
    "kill-worker": "SIGKILL of the whole worker at once",
    "end-worker": "SIGTERM of the worker",
    "stop-supervisor": "SIGSTOP of the first process, beyond the lease",
    "stop-worker": "SIGSTOP of the whole worker, beyond the lease",
    "partition": "no network, beyond the lease",
    "half-open": "connections that go silent",
}
_CUT = 0.001  # seconds; Redis counts the times of events in milliseconds, and cuts the rest
_TAKEN = frozenset({"crash", "lost", "unstarted", "worker stopped", "lease lost", "lease unsure"})
_LOST = frozenset({"lost-submit", "no-end", "result-without-run"})
_DOUBLED = frozenset({"two-ends", "two-results", "two-writers", "ran-twice", "wrong-writer", "wrong-file", "rerun-twice"})


@dataclass(frozen=True)
class Recovery:
    """A run that was taken away, and for how long until the next one started, seconds."""

    kind: str
    job: str
    seconds: float


def recoveries(evidence: Evidence, deaths: Mapping[str, str] = DEATHS) -> list[Recovery]:
    """Every run that a fault, or the job itself, took away and that was followed by another one.

    Args:
        deaths: kinds of faults that take a run away, and what each is called.
    """
    given_up = {
        event.token: (event.time, event.reason)
        for event in evidence.remains.events
        if event.reason in _TAKEN and event.status in ("submitted", "scheduled")
    }
    found = []
    for jid, runs in evidence.runs.items():
        started = [run for run in runs if run.starts]
        for run, following in itertools.pairwise(started):
            until, reason = given_up.get(run.token, (0.0, ""))
            if not reason:
                continue
            fault = _cause(evidence.faults, deaths, run.worker, run.starts[0], until)
            if evidence.acknowledged.get(jid) in CRASHING and reason == "crash":
                found.append(Recovery(ITSELF, jid, following.starts[0] - run.last))
            elif fault is not None:
                found.append(Recovery(deaths[fault.kind], jid, following.starts[0] - fault.start))
    return found


def _cause(faults: list[Fault], deaths: Mapping[str, str], worker: str, since: float, until: float) -> Fault | None:
    """The last of the faults that hit the worker in that time: those before it have left the run alone."""
    hits = [fault for fault in faults if fault.kind in deaths and fault.worker == worker and since <= fault.start < until + _CUT]
    return hits[-1] if hits else None


def lost_and_doubled(violations: list[Violation]) -> tuple[int, int]:
    """How many of the violations are a lost job, and how many one with two results or writers."""
    kinds = Counter(violation.kind for violation in violations)
    lost, doubled = (sum(number for kind, number in kinds.items() if kind in wanted) for wanted in (_LOST, _DOUBLED))
    return lost, doubled


def by_kind(found: list[Recovery], kinds: Iterable[str]) -> list[str]:
    """Rows of a table: kind, number, median and worst."""
    rows = []
    for kind in kinds:
        if times := [recovery.seconds for recovery in found if recovery.kind == kind]:
            rows.append(f"| {kind} | {len(times)} | {in_words(statistics.median(times))} | {in_words(max(times))} |")
    return rows


def block(evidence: Evidence, violations: list[Violation], numbers: dict[str, int], lease: float) -> str:
    """Figures of a run as Markdown."""
    lost, doubled = lost_and_doubled(violations)
    struck = Counter(fault.kind for fault in evidence.faults)
    by = ", ".join(f"{number} {kind}" for kind, number in struck.most_common())
    lines = [
        f"{numbers['jobs']:,} jobs accepted, {len(evidence.faults):,} faults ({by}):",
        "",
        "| | |",
        "|---|---|",
        f"| jobs lost | {lost} |",
        f"| jobs with two results, or a result of a run that did not hold them | {doubled} |",
        f"| other violations | {len(violations) - lost - doubled} |",
        f"| late results dropped | {numbers['stale']} |",
        f"| requests sent, answered, and repeated until they were | {numbers['tries']:,} |",
        "",
        f"From the fault to the start of the job's next run, with a lease of {lease:g} s:",
        "",
        "| fault | runs taken | median | worst |",
        "|---|---|---|---|",
    ]
    return "\n".join(lines + by_kind(recoveries(evidence), [ITSELF, *DEATHS.values()]))


def in_words(value: float) -> str:
    """Seconds, as a table shows them."""
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.1f} s"
