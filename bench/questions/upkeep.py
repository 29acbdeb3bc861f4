"""What a round of upkeep costs while nothing is due: with an empty queue, and with jobs that wait for their time or for others.

Only ours is asked: no peer's recovery can be measured apart from its workers. The rounds of both rows alternate with nothing
else on the server.
"""

import time
from collections.abc import Mapping

from bench.arena import arena
from bench.contestant import Contestant
from bench.contestants.trafficjobs import Trafficjobs
from bench.question import Question, Row, Verdict
from lib.jobs import Submission
from lib.upkeep import Upkeep

SCHEDULED, DEPENDENT, ROUNDS = 100_000, 10_000, 200
_WHOLE = 1_000  # jobs of a measurement from which on it is made with all of them
_FULL, _EMPTY = "jobs that are not due", "empty queue"


class IdleUpkeep(Question):
    """Every duty, over jobs of which none is due."""

    title = f"a round of upkeep while nothing is due: {SCHEDULED:,} scheduled jobs and {DEPENDENT:,} dependents, or none"
    unit = "ms"
    more_is_better = False

    def ask(self, kind: type[Contestant], jobs: int) -> dict[str, list[float]]:
        if kind.peer:
            return {}
        with arena(kind) as ready:
            assert isinstance(ready.contestant, Trafficjobs)
            queue = ready.contestant.jobs
            upkeep = Upkeep(queue)
            empty = [_round(upkeep) for _ in range(ROUNDS)]
            scheduled, dependent = (SCHEDULED, DEPENDENT) if jobs >= _WHOLE else (10 * jobs, jobs)
            queue.submit_many(Submission("noop", {"number": n}, run_in=86_400) for n in range(scheduled))
            parent = queue.submit(Submission("noop", {"number": 0}, run_in=86_400)).id
            queue.submit_many(Submission("noop", {"number": n}, depends_on=[parent]) for n in range(dependent))
            counts = queue.counts()
            assert (counts["scheduled"], counts["waiting"]) == (scheduled + 1, dependent), counts
            return {_EMPTY: empty, _FULL: [_round(upkeep) for _ in range(ROUNDS)]}

    def judge(self, rows: Mapping[str, Row]) -> list[Verdict]:
        if _FULL not in rows:
            return []
        ratio = rows[_FULL].median / rows[_EMPTY].median
        return [
            Verdict("upkeep with 110,000 jobs that are not due: 1.2 times an empty queue", f"{ratio:.2f} times", ratio <= 1.2)
        ]


def _round(upkeep: Upkeep) -> float:
    began = time.perf_counter()
    assert upkeep.round()
    return (time.perf_counter() - began) * 1000
