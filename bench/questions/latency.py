"""How long a job waits for an idle worker: from before the submit to the job's first line, one at a time.

The worker has one process and has been idle for a moment before each job; for ours every priority and a second queue
are asked as well. Polling would show as a median of half the interval.
"""

from collections.abc import Mapping

from bench.arena import arena
from bench.entrants import Entrant
from bench.question import Answer, Question, Rows, Table, Verdict, at_most

TARGET = 1.5  # ms


class Latency(Question):
    """From submit to start."""

    name = "latency"
    tables = (Table("latency from submit to start, one idle worker process", "ms", more_is_better=False),)
    most_repeats = 2

    def ask(self, entrant: Entrant, jobs: int) -> Answer:
        samples = max(10, min(50, jobs // 40))
        with arena(entrant, 1) as ready:
            return {
                self.tables[0]: {
                    f"{entrant.name} ({lane})" if lane else entrant.name: ready.latencies(lane, samples) for lane in entrant.lanes
                }
            }

    def judge(self, rows: Mapping[Table, Rows]) -> list[Verdict]:
        ours = [row for row in rows[self.tables[0]].values() if not row.peer]
        return [at_most(f"latency: median of {row.label} at most {TARGET} ms", row.median, TARGET, "ms") for row in ours]
