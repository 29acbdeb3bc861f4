"""What can be asked of every contestant, and what becomes of the answers. One file in bench/questions asks one thing.

A question measures one contestant once; the runner repeats and alternates. Every answer is a list of values under a row's
label in one of the question's tables: one rate, or the latency of every job.
"""

import statistics
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.entrants import Entrant

_ENOUGH_FOR_P99 = 50


@dataclass(frozen=True)
class Table:
    """What the values of one kind mean.

    Args:
        note: what a reader must know to read it right.
        ordered: whether rows stay in the order in which they came; else the best comes first.
    """

    title: str
    unit: str
    more_is_better: bool = True
    note: str = ""
    ordered: bool = False


@dataclass
class Row:
    """The answers under one label: a list of values for each repeat."""

    label: str
    peer: bool
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


Rows = Mapping[str, Row]
Answer = dict[Table, dict[str, list[float]]]


@dataclass(frozen=True)
class Verdict:
    """A target of the design beside what was measured; both as text, because they are ratios, times or sizes.

    Args:
        ratio: the part of the target that is reached, more than 1 where it is surpassed; None where nothing was measured.
    """

    target: str
    measured: str
    reached: bool
    ratio: float | None = None


def at_least(target: str, value: float, wanted: float, unit: str = "times", reason: str = "") -> Verdict:
    """The verdict on a value that should be no less than `wanted`; `reason` is told where it is."""
    return _verdict(target, value, unit, value / wanted, reason)


def at_most(target: str, value: float, wanted: float, unit: str, reason: str = "") -> Verdict:
    """The verdict on a value that should be no more than `wanted`."""
    return _verdict(target, value, unit, wanted / value if value else 1.0, reason)


def _verdict(target: str, value: float, unit: str, ratio: float, reason: str) -> Verdict:
    text = f"{number(value)} {unit}"
    return Verdict(target, f"{text}; {reason}" if reason and ratio < 1 else text, ratio >= 1, ratio)


def number(value: float) -> str:
    """As it stands in tables."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


class Question(ABC):
    """One thing that is asked. `name` is what `--questions` takes."""

    name: str
    tables: Sequence[Table]
    most_repeats: int = 3

    @abstractmethod
    def ask(self, entrant: Entrant, jobs: int) -> Answer:
        """Measure one contestant once, with about that many jobs: values under the label of each row of each table.

        Nothing for a contestant whom it does not concern.
        """

    def judge(self, rows: Mapping[Table, Rows]) -> list[Verdict]:
        """The targets that this question answers; none by default."""
        return []


def fastest_peer(table: Table, rows: Rows) -> Row | None:
    """The best row that is not ours."""
    choose = max if table.more_is_better else min
    return choose((row for row in rows.values() if row.peer), key=lambda row: row.median, default=None)


def against(rows: Rows, peer: Row | None, times: float, what: str) -> list[Verdict]:
    """Whether ours reaches `times` that peer; nothing where one of them was not measured."""
    ours = next((row for row in rows.values() if not row.peer), None)
    if ours is None or peer is None:
        return []
    return [at_least(f"{what}: {times:g} times {peer.label}", ours.median / peer.median, times)]
