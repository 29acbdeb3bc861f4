"""How fast jobs come and end, and how long they wait and run, by operation: from two looks at the counters of `/metrics`.

What happened between two looks is their difference. Until something has, the times are those of all jobs that the release counts.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

WINDOW = 60.0  # seconds that rates and times are over
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_ENDS = ("completed", "failed", "cancelled")
_FLOWS = {"submitted": ("submitted",), "ended": _ENDS}
_COUNTERS = {f"trafficjobs_jobs_{name}_total": name for name in ("submitted", *_ENDS)}
_TIMES = {f"trafficjobs_job_{name}_seconds_bucket": name for name in ("wait", "run")}


@dataclass
class Sample:
    """The counters at one moment: `counted` by name and operation, `buckets` by name, operation and bound, cumulative."""

    at: float
    counted: dict[tuple[str, str], float] = field(default_factory=dict)
    buckets: dict[tuple[str, str], dict[float, float]] = field(default_factory=dict)


def sample_of(text: str, at: float) -> Sample:
    """What Prometheus's text form says at `at` seconds; what is not understood is left out."""
    made = Sample(at)
    for line in text.splitlines():
        name, brace, rest = line.partition("{")
        inside, _, value = rest.rpartition("} ")
        if not brace or (name not in _COUNTERS and name not in _TIMES):
            continue
        labels = dict(_label(part) for part in inside.split('",'))
        try:
            number, operation = float(value.split()[0]), labels.get("operation", "")
            if name in _COUNTERS:
                key = (_COUNTERS[name], operation)
                made.counted[key] = made.counted.get(key, 0.0) + number
            else:
                made.buckets.setdefault((_TIMES[name], operation), {})[float(labels.get("le", "+Inf"))] = number
        except (ValueError, IndexError):
            continue
    return made


def _label(part: str) -> tuple[str, str]:
    name, _, value = part.partition('="')
    return name.strip(), value.removesuffix('"')


class Rates:
    """The looks of the last minute."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()

    def add(self, sample: Sample) -> None:
        """Take a look."""
        self._samples.append(sample)
        while len(self._samples) > 2 and sample.at - self._samples[1].at >= WINDOW:
            self._samples.popleft()

    def now(self) -> dict[str, float] | None:
        """Jobs a second that came (`submitted`) and ended (`ended`) since the last look; None before the second."""
        if len(self._samples) < 2:
            return None
        every = self._names()
        return {name: sum(self._rate(one, operation) for one in some for operation in every) for name, some in _FLOWS.items()}

    def operations(self) -> list[dict[str, Any]]:
        """What is known of each operation that any job was of, the busiest first.

        `count` is how many jobs of it have run. `submitted` and `ended` are jobs a second since the last look, None before the
        second one; `wait` and `run` have p50, p95 and p99 in seconds, None where there was no job; `over` says of which jobs:
        those of the last `minute`, or `all`.
        """
        told = [self._operation(name) for name in self._names()]
        return sorted(
            told, key=lambda one: (-(one["submitted"] or 0) - (one["ended"] or 0), one["over"] != "minute", -one["count"])
        )

    def _names(self) -> list[str]:
        newest = self._samples[-1]
        return sorted({operation for _, operation in [*newest.counted, *newest.buckets] if operation})

    def _operation(self, name: str) -> dict[str, Any]:
        known = len(self._samples) > 1
        recent = {what: self._grown(what, name) for what in ("wait", "run")}
        over = "minute" if any(recent.values()) else "all"
        buckets = recent if over == "minute" else {what: self._samples[-1].buckets.get((what, name), {}) for what in recent}
        return {
            "operation": name,
            "count": int(max(self._samples[-1].buckets.get(("run", name), {}).values(), default=0)),
            "submitted": self._rate("submitted", name) if known else None,
            "ended": sum(self._rate(end, name) for end in _ENDS) if known else None,
            "over": over,
        } | {what: percentiles(found) for what, found in buckets.items()}

    def _rate(self, counted: str, operation: str) -> float:
        old, new = self._samples[-2], self._samples[-1]
        grown = new.counted.get((counted, operation), 0.0) - old.counted.get((counted, operation), 0.0)
        return max(0.0, grown) / max(1e-3, new.at - old.at)

    def _grown(self, what: str, operation: str) -> dict[float, float]:
        """By how much the buckets have grown in the window; nothing where no job was counted, or Redis has lost some."""
        new = self._samples[-1].buckets.get((what, operation), {})
        old = self._samples[0].buckets.get((what, operation), {})
        grown = {bound: number - old.get(bound, 0.0) for bound, number in new.items()}
        return grown if len(self._samples) > 1 and max(grown.values(), default=0) > 0 and min(grown.values()) >= 0 else {}


def percentiles(buckets: Mapping[float, float]) -> dict[str, float | None]:
    """p50, p95 and p99 of cumulative buckets by their bounds, as Prometheus's histogram_quantile says them."""
    return {name: _quantile(share, sorted(buckets.items())) for name, share in SHARES.items()}


def _quantile(share: float, buckets: Sequence[tuple[float, float]]) -> float | None:
    """Evenly spread within a bucket; the last bound for what lies above it."""
    if not buckets or not buckets[-1][1]:
        return None
    rank = share * buckets[-1][1]
    for (low, below), (high, upto) in pairwise([(0.0, 0.0), *buckets]):
        if upto >= rank and upto:
            return low if high == float("inf") else low + (high - low) * (rank - below) / max(1e-9, upto - below)
    return None


def over_a_minute(points: Iterable[Mapping[str, Any]]) -> dict[str, float] | None:
    """Jobs a second that came and ended, by the points of `/history`; None without any."""
    known = list(points)
    seconds = sum(point["seconds"] for point in known)
    if not seconds:
        return None
    return {
        name: sum(point[one] * point["seconds"] for point in known for one in some) / seconds for name, some in _FLOWS.items()
    }
