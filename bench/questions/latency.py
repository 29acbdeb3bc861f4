"""How long a job waits for an idle worker: from before the submit to the job's first line, one at a time.

The worker has one process and has been idle for a moment before each job; for ours every priority and a second queue
are asked as well. Polling would show as a median of half the interval.
"""

import time
from collections.abc import Mapping

from bench.arena import arena
from bench.contestant import Contestant
from bench.question import Question, Row, Verdict

_IDLE = 0.01  # seconds between two jobs
_TARGET = 1.5  # ms


class Latency(Question):
    """From submit to start."""

    title = "latency from submit to start, one idle worker process"
    unit = "ms"
    more_is_better = False

    def ask(self, kind: type[Contestant], jobs: int) -> dict[str, list[float]]:
        samples = max(10, min(50, jobs // 40))
        answers: dict[str, list[float]] = {}
        with arena(kind, 1) as ready:
            for lane in kind.lanes:
                values = answers[f"{kind.name} ({lane})" if lane else kind.name] = []
                for number in range(samples):
                    time.sleep(_IDLE)
                    began = time.monotonic()
                    jid = ready.contestant.submit_to(lane, number)
                    (ran,), _ = ready.wait([jid], [number])
                    values.append(1000 * (ran.started - began))
        return answers

    def judge(self, rows: Mapping[str, Row]) -> list[Verdict]:
        ours = [row for row in rows.values() if not row.contestant.peer]
        return [
            Verdict(f"latency: median of {row.label} at most {_TARGET} ms", f"{row.median:.2f} ms", row.median <= _TARGET)
            for row in ours
        ]
