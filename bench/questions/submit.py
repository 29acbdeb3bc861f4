"""How fast one Python process submits, one by one and many at a time. No worker runs.

Each submit carries parameters of its own. What a peer writes for a job is its own affair: a bare push and a record with
indexes count alike.
"""

import time
from collections.abc import Mapping

from bench.arena import arena
from bench.contestant import Contestant
from bench.question import Question, Row, Verdict

_HABIT = "hotqueue + hash"  # what our users come from


class SubmitEach(Question):
    """Every job durable before the next one is sent."""

    title = "submit one by one, from Python"
    unit = "jobs/s"

    def ask(self, kind: type[Contestant], jobs: int) -> dict[str, list[float]]:
        number = max(10, jobs // 3)
        with arena(kind) as ready:
            ready.contestant.submit_each(range(10))
            began = time.monotonic()
            ready.contestant.submit_each(range(number))
            return {kind.name: [number / (time.monotonic() - began)]}

    def judge(self, rows: Mapping[str, Row]) -> list[Verdict]:
        return [
            *self.ratio_verdict(rows, self.fastest_peer(rows), 0.6, "submit one by one"),
            *self.ratio_verdict(rows, rows.get(_HABIT), 1.0, "submit one by one"),
        ]


class SubmitBatch(Question):
    """Each contestant's fastest way for many."""

    title = "submit batched, from Python"
    unit = "jobs/s"

    def ask(self, kind: type[Contestant], jobs: int) -> dict[str, list[float]]:
        with arena(kind) as ready:
            ready.contestant.submit_batch(range(10))
            began = time.monotonic()
            ready.contestant.submit_batch(range(jobs))
            return {kind.name: [jobs / (time.monotonic() - began)]}

    def judge(self, rows: Mapping[str, Row]) -> list[Verdict]:
        return self.ratio_verdict(rows, self.fastest_peer(rows), 8.0, "submit batched")
