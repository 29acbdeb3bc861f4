"""What a round of upkeep costs while nothing is due: with an empty queue, and with jobs that wait for their time or for others.

Only ours is asked: no peer's recovery can be measured apart from its workers. The rounds of both rows alternate with nothing
else on the server.
"""

import time
from collections.abc import Mapping

from bench.entrants import Entrant
from bench.ours import our_queue
from bench.question import Answer, Question, Rows, Table, Verdict, at_most
from bench.server import fresh_server
from lib.jobs import Submission
from lib.upkeep import Upkeep

SCHEDULED, DEPENDENT, ROUNDS, MOST = 100_000, 10_000, 200, 1.2
_WHOLE = 1_000  # jobs of a measurement from which on it is made with all of them
_FULL, _EMPTY = "jobs that are not due", "empty queue"


class IdleUpkeep(Question):
    """Every duty, over jobs of which none is due."""

    name = "upkeep"
    tables = (
        Table(
            f"a round of upkeep while nothing is due: {SCHEDULED:,} scheduled jobs and {DEPENDENT:,} dependents, or none",
            "ms",
            more_is_better=False,
            ordered=True,
        ),
    )
    most_repeats = 1

    def ask(self, entrant: Entrant, jobs: int) -> Answer:
        if entrant.peer:
            return {}
        with fresh_server() as server, our_queue(server.port) as queue:
            upkeep = Upkeep(queue)
            empty = [_round(upkeep) for _ in range(ROUNDS)]
            scheduled, dependent = (SCHEDULED, DEPENDENT) if jobs >= _WHOLE else (10 * jobs, jobs)
            queue.submit_many(Submission("noop", {"number": n}, run_in=86_400) for n in range(scheduled))
            parent = queue.submit(Submission("noop", {"number": 0}, run_in=86_400)).id
            queue.submit_many(Submission("noop", {"number": n}, depends_on=[parent]) for n in range(dependent))
            counts = queue.counts()
            assert (counts["scheduled"], counts["waiting"]) == (scheduled + 1, dependent), counts
            return {self.tables[0]: {_EMPTY: empty, _FULL: [_round(upkeep) for _ in range(ROUNDS)]}}

    def judge(self, rows: Mapping[Table, Rows]) -> list[Verdict]:
        found = rows[self.tables[0]]
        if _FULL not in found:
            return []
        ratio = found[_FULL].median / found[_EMPTY].median
        return [
            at_most(
                f"upkeep with {SCHEDULED + DEPENDENT:,} jobs that are not due: {MOST} times an empty queue", ratio, MOST, "times"
            )
        ]


def _round(upkeep: Upkeep) -> float:
    began = time.perf_counter()
    assert upkeep.round()
    return (time.perf_counter() - began) * 1000
