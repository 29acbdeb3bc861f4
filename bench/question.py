"""What can be asked of every contestant, and what becomes of the answers. One file in bench/questions asks one thing.

A question measures one contestant once; the runner repeats and alternates. Every answer is a list of values under a
row's label: one rate, or the latency of every job.
"""

import statistics
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from bench.contestant import Contestant

_ENOUGH_FOR_P99 = 50


@dataclass
class Row:
    """The answers under one label: a list of values for each repeat."""

    label: str
    contestant: type[Contestant]
    repeats: list[list[float]] = field(default_factory=list)

    @property
    def values(self) -> list[float]:
        """Of all repeats."""
        return [value for repeat in self.repeats for value in repeat]

    @property
    def median(self) -> float:
        """Of all values."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """Smallest and largest median of a repeat."""
        medians = [statistics.median(repeat) for repeat in self.repeats]
        return min(medians), max(medians)

    @property
    def p99(self) -> float | None:
        """99th percentile of all values; None where they are few."""
        return statistics.quantiles(self.values, n=100)[98] if len(self.values) >= _ENOUGH_FOR_P99 else None


@dataclass(frozen=True)
class Verdict:
    """A target of the design beside what was measured; both as text, because they are ratios or times."""

    target: str
    measured: str
    reached: bool


class Question(ABC):
    """One thing that is asked."""

    title: ClassVar[str]
    unit: ClassVar[str]
    more_is_better: ClassVar[bool] = True

    @abstractmethod
    def ask(self, kind: type[Contestant], jobs: int) -> dict[str, list[float]]:
        """Measure one contestant once, with about that many jobs: values under the label of each row."""

    def judge(self, rows: Mapping[str, Row]) -> list[Verdict]:
        """The targets that this question answers; none by default."""
        return []

    def fastest_peer(self, rows: Mapping[str, Row]) -> Row | None:
        """The best row that is not ours."""
        peers = [row for row in rows.values() if row.contestant.peer]
        choose = max if self.more_is_better else min
        return choose(peers, key=lambda row: row.median, default=None)

    def ratio_verdict(self, rows: Mapping[str, Row], peer: Row | None, times: float, what: str) -> list[Verdict]:
        """Whether ours reaches `times` that peer; nothing where one of them was not measured."""
        ours = next((row for row in rows.values() if not row.contestant.peer), None)
        if ours is None or peer is None:
            return []
        ratio = ours.median / peer.median
        return [Verdict(f"{what}: {times:g} times {peer.label}", f"{ratio:.2f} times", ratio >= times)]
