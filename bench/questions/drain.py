"""How fast two warm worker processes empty a queue, from the first claim to the last terminal record, with jobs that do nothing
and with jobs that do something; and what an ended job keeps of Redis's memory.

The workers are frozen while the jobs are queued and let go together. The time before the first claim is counted, too (well below
a millisecond), so that no contestant says by itself when it began. All bodies are drained by the same processes, one after the
other. Where a job waits, contestants with an event loop or threads run many at once in each process, as their defaults have it,
and ours and others one; the rows say how many. Where it computes, two cores are all that anybody has.
"""

from collections.abc import Mapping
from dataclasses import replace

from bench.arena import arena
from bench.entrants import Entrant
from bench.question import Answer, Question, Rows, Table, Verdict, against, at_most, fastest_peer

PROCESSES = 2
MOST_BYTES = 1_536.0
_FAR = 10  # times fewer jobs where the server is far away

_NOOP = Table(f"drain: jobs that do nothing, queued beforehand, {PROCESSES} worker processes", "jobs/s")
_MEMORY = Table(
    "Redis memory per ended job, with its record and result and without files",
    "bytes",
    more_is_better=False,
    note="By MEMORY USAGE of all keys. Peers keep a result, some for minutes; ours keeps a record, its indexes and its events.",
)
_COMPUTE = {
    "cpu": Table(f"drain: jobs of 1 ms of a core, {PROCESSES} worker processes", "jobs/s"),
    "analysis": Table(f"drain: jobs that count one day in a file of 432,500 rows, {PROCESSES} worker processes", "jobs/s"),
}
_SLEEP = Table(
    f"drain: jobs that wait for 10 ms, {PROCESSES} worker processes",
    "jobs/s",
    note="In brackets how many jobs two processes run at once; one at a time each, 200 jobs/s are all there is.",
)
_PART = {"cpu": 3, "analysis": 3, "sleep": 10}  # times fewer jobs than those that do nothing


class Drain(Question):
    """All bodies, or, with milliseconds to the server and back from it, only jobs that do nothing."""

    def __init__(self, delay: float = 0.0) -> None:
        self._delay = delay
        self.name = f"drain, {delay:g} ms away" if delay else "drain"
        self._noop = replace(_NOOP, title=f"{_NOOP.title}, server {delay:g} ms away") if delay else _NOOP
        self.tables = [self._noop] if delay else [self._noop, _MEMORY, *_COMPUTE.values(), _SLEEP]
        self.most_repeats = 1 if delay else 3

    def ask(self, entrant: Entrant, jobs: int) -> Answer:
        count = max(10, round(jobs * entrant.share / (_FAR if self._delay else 1)))
        with arena(entrant, PROCESSES, self._delay) as ready:
            before = ready.stored()
            seconds = ready.drain(count)
            each = (ready.stored() - before) / count
            answer: Answer = {self._noop: {entrant.name: [count / seconds]}}
            if self._delay:
                return answer
            counts = {body: max(10, round(count / part)) for body, part in _PART.items()}
            rates = {body: [number / ready.drain(number, body)] for body, number in counts.items()}
        answer |= {_MEMORY: {entrant.name: [each]}, _SLEEP: {f"{entrant.name} [{entrant.at_once}]": rates["sleep"]}}
        return answer | {table: {entrant.name: rates[body]} for body, table in _COMPUTE.items()}

    def judge(self, rows: Mapping[Table, Rows]) -> list[Verdict]:
        if self._delay:
            return []
        drained = rows[self._noop]
        ours = [row for row in rows[_MEMORY].values() if not row.peer]
        return [
            *against(drained, fastest_peer(self._noop, drained), 2.5, "drain, one job a round trip"),
            *(at_most(f"Redis memory per ended job: {MOST_BYTES:,.0f} bytes", row.median, MOST_BYTES, "bytes") for row in ours),
        ]
