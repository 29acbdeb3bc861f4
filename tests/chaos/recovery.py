"""How soon a job ran again after the process that ran it was killed, frozen or cut off: from the fault to the start of its next
run, by kind of fault. Pure; and the block of figures that `make chaos` prints for docs/reliability.md.
"""

import itertools
import statistics
from collections import Counter
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
_TAKEN = frozenset({"crash", "lost", "unstarted", "worker stopped", "lease lost", "lease unsure"})
_LOST = frozenset({"lost-submit", "no-end", "result-without-run"})
_DOUBLED = frozenset({"two-ends", "two-results", "two-writers", "ran-twice", "wrong-writer", "wrong-file", "rerun-twice"})


@dataclass(frozen=True)
class Recovery:
    """A run that was taken away, and for how long until the next one started, seconds."""

    kind: str
    job: str
    seconds: float


def recoveries(evidence: Evidence) -> list[Recovery]:
    """Every run that a fault, or the job itself, took away and that was followed by another one."""
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
            fault = _cause(evidence.faults, run.worker, run.starts[0], until)
            if evidence.acknowledged.get(jid) in CRASHING and reason == "crash":
                found.append(Recovery(ITSELF, jid, following.starts[0] - run.last))
            elif fault is not None:
                found.append(Recovery(DEATHS[fault.kind], jid, following.starts[0] - fault.start))
    return found


def _cause(faults: list[Fault], worker: str, since: float, until: float) -> Fault | None:
    """The first of the faults that hit the worker in that time."""
    return next((f for f in faults if f.kind in DEATHS and f.worker == worker and since <= f.start <= until), None)


def block(evidence: Evidence, violations: list[Violation], numbers: dict[str, int], lease: float) -> str:
    """Figures of a run as Markdown."""
    kinds = Counter(violation.kind for violation in violations)
    lost, doubled = (sum(number for kind, number in kinds.items() if kind in wanted) for wanted in (_LOST, _DOUBLED))
    struck = Counter(fault.kind for fault in evidence.faults)
    by = ", ".join(f"{number} {kind}" for kind, number in struck.most_common())
    by_kind: dict[str, list[float]] = {}
    for recovery in recoveries(evidence):
        by_kind.setdefault(recovery.kind, []).append(recovery.seconds)
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
    for kind in [ITSELF, *DEATHS.values()]:
        if seconds := by_kind.get(kind):
            lines.append(f"| {kind} | {len(seconds)} | {_seconds(statistics.median(seconds))} | {_seconds(max(seconds))} |")
    return "\n".join(lines)


def _seconds(value: float) -> str:
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.1f} s"
