"""How fast two warm worker processes empty a queue: from the first claim to the last terminal record.

The workers are frozen while the jobs are queued and let go together. The time before the first claim is counted, too
(well below a millisecond), so that no contestant says by itself when it began.
"""

from collections.abc import Mapping

from bench.arena import arena
from bench.contestant import Contestant
from bench.question import Question, Row, Verdict

PROCESSES = 2


class Drain(Question):
    """No-op jobs that were queued before."""

    title = f"drain: no-op jobs queued beforehand, {PROCESSES} worker processes"
    unit = "jobs/s"

    def ask(self, kind: type[Contestant], jobs: int) -> dict[str, list[float]]:
        numbers = list(range(max(10, round(jobs * kind.share))))
        with arena(kind, PROCESSES) as ready:
            ready.workers.freeze()
            ids = ready.contestant.submit_batch(numbers)
            began = ready.workers.thaw()
            _, ended = ready.wait(ids, numbers)
        return {kind.name: [len(numbers) / (ended - began)]}

    def judge(self, rows: Mapping[str, Row]) -> list[Verdict]:
        return self.ratio_verdict(rows, self.fastest_peer(rows), 2.5, "drain, one job a round trip")
