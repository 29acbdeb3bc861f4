"""What the checker judges: everything that was said, by whom, and what was done to the system meanwhile."""

from dataclasses import dataclass, field

from tests.chaos.history import Event, Remains
from tests.chaos.ledger import Run
from tests.chaos.requests import Request

# Faults after which nobody renews a worker's leases, and faults that end a process which runs jobs.
STOPS_RENEWAL = frozenset({"kill-supervisor", "kill-worker", "stop-supervisor", "stop-worker", "partition"})
# What is sent on a connection that has gone silent is given up after REDIS_TIMEOUT: too late for a beat, and for the report of a
# death, where that is longer than this part of a lease.
SILENT_FOR = 0.5
ENDS_RUNS = frozenset({"kill-child", "kill-nursery", "kill-supervisor", "kill-worker"})
CRASHING = frozenset({"ledger_crash"})


@dataclass
class Fault:
    """One thing done to the system. `worker` is "" where it hit no worker; times are of the machine's clock."""

    kind: str
    worker: str
    start: float
    end: float = float("inf")

    def __str__(self) -> str:
        return f"{self.start:.3f} to {self.end:.3f} {self.kind} {self.worker}"


@dataclass(frozen=True)
class Answer:
    """What a simulated child was told of its outcome: whether it counted."""

    job: str
    token: str
    counted: bool


@dataclass
class Evidence:
    """All of one run.

    Args:
        remains: events, records and keys.
        runs: of the ledger, by job.
        acknowledged: ids whose submit was answered, each with its operation.
        faults: what the nemesis did.
        stalls: when a program waited for an answer that did not come, as a fault called "stalled".
        reruns: how often an explicit retry was asked for, by job.
        answers: what simulated children were told.
        requests: what submitters asked for; None where nobody wrote that down.
    """

    remains: Remains
    runs: dict[str, list[Run]]
    acknowledged: dict[str, str]
    faults: list[Fault] = field(default_factory=list)
    reruns: dict[str, int] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    requests: list[Request] | None = None
    stalls: list[Fault] = field(default_factory=list)

    @property
    def stops_renewal(self) -> frozenset[str]:
        """Faults that may end a lease."""
        settings = self.remains.settings
        return STOPS_RENEWAL | ({"stalled"} if settings.redis_timeout > SILENT_FOR * settings.lease_seconds else set())

    def caused(self, kinds: frozenset[str], worker: str, since: float, until: float) -> bool:
        """Whether such a fault hit the worker (any worker, if it is "") in that time."""
        return any(
            fault.kind in kinds
            and (not worker or fault.worker == worker)
            and fault.start <= until + 0.1
            and fault.end >= since - 0.1
            for fault in (*self.faults, *self.stalls)
        )


@dataclass
class Case:
    """One job: its events in order, its runs, its record if there is one."""

    job: str
    events: list[Event]
    runs: list[Run]
    record: dict[str, str] | None
    acknowledged: bool

    def run(self, token: str) -> Run | None:
        """The run under a token."""
        return next((run for run in self.runs if run.token == token), None)

    def history(self) -> str:
        """Everything known about the job, in the order of time."""
        lines = [(event.time, f"event  {event}") for event in self.events]
        lines += [(run.marked or (run.starts or [run.last])[0], f"ledger {run}") for run in self.runs]
        text = [line for _, line in sorted(lines, key=lambda line: line[0])]
        return "\n    ".join([*text, f"record {self.record}"])


@dataclass(frozen=True)
class Violation:
    """A broken promise. `kind` is a word that tests look for; `history` is all that is known of the job."""

    kind: str
    job: str
    what: str
    history: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.job or 'the whole'}: {self.what}" + (f"\n    {self.history}" if self.history else "")


def cases(evidence: Evidence) -> list[Case]:
    """Every job that anything is known of."""
    remains = evidence.remains
    by_job: dict[str, list[Event]] = {}
    for event in remains.events:
        if event.job:
            by_job.setdefault(event.job, []).append(event)
    ids = dict.fromkeys([*evidence.acknowledged, *by_job, *evidence.runs, *remains.records])
    return [
        Case(jid, by_job.get(jid, []), evidence.runs.get(jid, []), remains.records.get(jid), jid in evidence.acknowledged)
        for jid in ids
    ]
