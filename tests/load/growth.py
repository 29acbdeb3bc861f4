"""Whether something grows: slopes over the number of jobs, by Theil and Sen, and how steep they may be.

The slope of a series is the median of the slopes between all pairs of its samples (P. K. Sen, Estimates of the regression
coefficient based on Kendall's tau, 1968): a child that was just replaced or an AOF that is just rewritten does not bend it.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.load.sampling import Sample

PER = 10_000  # jobs that a slope is told for

# How much each kind of series may grow with 10,000 jobs. In a soak these come with, among others, 100 streams, 100 scrapes, 100
# times of a schedule, 200 pages, and some hundred files, webhooks, failures and cancels.
BOUNDS: dict[str, float] = {
    # A record that somebody forgets to let go of is more than 1 KiB, as an object of Python or in Redis: 10 MiB. Half of it is
    # found.
    "MiB": 5.0,
    # One of the rarest things that happen leaves something open: 100. One in five that does is found.
    "files": 20.0,
    "threads": 20.0,
    "connections": 20.0,
    # Of the rarer kinds of jobs there are 200 in 10,000; each that leaves a key behind is found, and so is one of the usual jobs
    # in 50.
    "keys": 200.0,
}


# And how much is not told from chance however few jobs there were: allocators take memory in pieces of a MiB or more, and jobs
# that have just ended are kept for a while, now more of them and now fewer. What stays of them is looked for at the end, key by
# key.
FLOORS: dict[str, float] = {"MiB": 10.0, "files": 8.0, "threads": 4.0, "connections": 8.0, "keys": 500.0}
# Processes of gunicorn begin with memory that they share. What one writes to, if only because a collection of garbage passes,
# becomes its own, and counts for the others as shared by fewer: a step in the first minutes, of which there is an end.
_SHARING, _SHARED = ("api,", "gunicorn,"), 25.0  # MiB


@dataclass(frozen=True)
class Growth:
    """Of one series: its first and last value (medians of a fifth), and its slope for 10,000 jobs."""

    name: str
    unit: str
    first: float
    last: float
    slope: float

    @property
    def too_much(self) -> bool:
        """Whether it grows more than it may."""
        floor = _SHARED if self.unit == "MiB" and self.name.startswith(_SHARING) else FLOORS[self.unit]
        return self.slope > BOUNDS[self.unit] and self.last - self.first > floor


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The median slope between all pairs of points whose x differ; 0 where there is no such pair."""
    pairs = ((i, j) for i in range(len(x)) for j in range(i + 1, len(x)) if x[i] != x[j])
    found = [(y[j] - y[i]) / (x[j] - x[i]) for i, j in pairs]
    return statistics.median(found) if found else 0.0


def growths(samples: Sequence[Sample]) -> Iterator[Growth]:
    """Of each series over the jobs that had ended when each sample was taken; a sample may lack some."""
    for name, unit in sorted({series for sample in samples for series in sample.values}):
        there = [(sample.jobs, sample.values[name, unit]) for sample in samples if (name, unit) in sample.values]
        jobs, values = [float(count) for count, _ in there], [value for _, value in there]
        fifth = max(1, len(values) // 5)
        first, last = statistics.median(values[:fifth]), statistics.median(values[-fifth:])
        yield Growth(name, unit, first, last, PER * slope(jobs, values))
