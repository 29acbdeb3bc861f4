"""How fast one Python process submits, one by one and many at a time. No worker runs.

Each submit carries parameters of its own. What a peer writes for a job is its own affair: a bare push and a record with
indexes count alike.
"""

from collections.abc import Mapping
from dataclasses import replace

from bench.arena import arena
from bench.entrants import Entrant
from bench.question import Answer, Question, Rows, Table, Verdict, against, fastest_peer

_HABIT = "hotqueue + hash"  # what our users come from
_FAR = 10  # times fewer jobs where the server is far away
_EACH = Table("submit one by one, from Python", "jobs/s")
_BATCH = Table("submit batched, from Python", "jobs/s")


class Submit(Question):
    """Every job durable before the next one is sent; and each contestant's fastest way for many."""

    def __init__(self, delay: float = 0.0) -> None:
        self._delay = delay
        self.name = f"submit, {delay:g} ms away" if delay else "submit"
        self._each, self._batch = (
            replace(table, title=f"{table.title}, server {delay:g} ms away") if delay else table for table in (_EACH, _BATCH)
        )
        self.tables = [self._each, self._batch]
        self.most_repeats = 1 if delay else 3

    def ask(self, entrant: Entrant, jobs: int) -> Answer:
        each, batch = (max(10, round(count / (_FAR if self._delay else 1))) for count in (jobs / 3, jobs))
        with arena(entrant, delay=self._delay) as ready:
            ready.submit(10, batched=False)
            one_by_one = ready.submit(each, batched=False)
            ready.submit(10, batched=True)
            batched = ready.submit(batch, batched=True)
        return {self._each: {entrant.name: [each / one_by_one]}, self._batch: {entrant.name: [batch / batched]}}

    def judge(self, rows: Mapping[Table, Rows]) -> list[Verdict]:
        if self._delay:
            return []
        each, batch = rows[self._each], rows[self._batch]
        return [
            *against(each, fastest_peer(self._each, each), 0.6, "submit one by one"),
            *against(each, each.get(_HABIT), 1.0, "submit one by one"),
            *against(batch, fastest_peer(self._batch, batch), 8.0, "submit batched"),
        ]
