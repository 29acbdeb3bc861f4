"""How the counters went: rates, times and depths of the last hour, day and week. Part of `lib.jobs.Jobs`.

Upkeep keeps a sample of the durable counters every 10 seconds, 5 minutes and 30 minutes; what happened between two samples is
their difference, so the jobs themselves cost nothing more. Samples lie beside the counters in one database and are lost with
them, never alone. A stretch without samples becomes one long point with its true length and mean rates; one in which a counter
went backwards (Redis lost its last second) is left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import orjson

from lib.errors import InvalidInput
from lib.reading import counts_of, object_of
from lib.scripts import BUCKETS
from lib.store import Store

# Stream, seconds between its entries, and how many there are: an hour, a day and a week, each with the entry before.
STREAMS = (("history.hour", 10, 361), ("history.day", 300, 289), ("history.week", 1_800, 337))
SHORTEST, LONGEST = 60, 7 * 86_400  # seconds that may be asked for
_COUNTED = ("submitted", "complete", "failed", "cancelled", "retried")
_RATES = ("submitted", "completed", "failed", "cancelled", "retried")
_STANDING = ("depth", "running", "scheduled", "workers", "children")
_BOUNDS = [*map(float, BUCKETS), float("inf")]
_OPEN = 1.0  # seconds which the last stretch must have lasted to be shown


@dataclass(frozen=True)
class Point:
    """What happened in one stretch of time.

    Args:
        start: seconds since 1970.
        seconds: how long it is.
        submitted, completed, failed, cancelled, retried: jobs a second; retried by their policy.
        wait_p50, wait_p95, run_p50, run_p95: seconds, by histogram buckets; None where no job started, or none ended.
        depth, running, scheduled, workers, children: how many there were at its end.
    """

    start: float
    seconds: float
    submitted: float
    completed: float
    failed: float
    cancelled: float
    retried: float
    wait_p50: float | None
    wait_p95: float | None
    run_p50: float | None
    run_p95: float | None
    depth: int
    running: int
    scheduled: int
    workers: int
    children: int


@dataclass(frozen=True)
class Sample:
    """The counters at one moment: totals of all operations, single counts of the buckets, and what stood where."""

    at: float
    counts: list[int]
    wait: list[int]
    run: list[int]
    standing: list[int]


class Remembering:
    """How things went."""

    store: Store
    queues: Callable[[], list[Any]]
    workers: Callable[[], list[dict[str, Any]]]

    def remember(self) -> float:
        """Keep a sample, once for each stretch however many call; seconds until the next one is due. Raises StoreUnavailable."""
        sample = self._sample()
        words = [str(word) for name, step, most in STREAMS for word in (name, step * 1_000, most)]
        self.store.run("remember", int(sample.at * 1_000), orjson.dumps(sample), *words)
        step = STREAMS[0][1]
        return step - sample.at % step

    def history(self, seconds: float = 3_600) -> list[Point]:
        """What happened in the last `seconds`, the oldest first; the last point ends now. Raises InvalidInput naming it."""
        if not SHORTEST <= seconds <= LONGEST:
            raise InvalidInput("seconds", f"must be {SHORTEST} to {LONGEST}")
        name, step, most = next(stream for stream in STREAMS if stream[1] * stream[2] > seconds)
        now = self._sample()
        since = f"{int((now.at - seconds - step) * 1_000)}-0"
        key = self.store.prefix + name
        entries = self.store.read(lambda records: records.xrange(key, since, "+", most))
        samples = [made for _, fields in entries if (made := _sample_of(fields.get(b"sample"))) is not None]
        if not samples or now.at - samples[-1].at >= _OPEN:
            samples.append(now)
        return list(_points(samples))

    def _sample(self) -> Sample:
        def read(records: Any) -> Any:
            pipeline = records.pipeline(transaction=False)
            pipeline.time()
            pipeline.hgetall(f"{self.store.prefix}metrics")
            return pipeline.execute()

        (whole, micros), raw = self.store.read(read)
        counted = counts_of(raw)
        queues, workers = self.queues(), self.workers()
        standing = [sum(getattr(queue, name) for queue in queues) for name in _STANDING[:3]]
        standing += [len(workers), sum(worker.get("children", 0) for worker in workers)]
        return Sample(whole + micros / 1e6, *_totals(counted), standing)


def _sample_of(words: bytes | None) -> Sample | None:
    said = object_of(words)
    if said is None or said.keys() != Sample.__dataclass_fields__.keys():  # not one of ours
        return None
    lists = [said[name] for name in ("counts", "wait", "run", "standing")]
    numbers = all(isinstance(each, list) and each and all(map(_is_number, each)) for each in lists)
    return Sample(**said) if numbers and _is_number(said["at"]) and len(said["standing"]) == len(_STANDING) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _totals(counted: Mapping[str, int]) -> tuple[list[int], list[int], list[int]]:
    """Sums over all operations: of the counters, and of each bucket of both histograms."""
    counts = dict.fromkeys(_COUNTED, 0)
    buckets = {name: dict.fromkeys(_BOUNDS, 0) for name in ("wait", "run")}
    for field, value in counted.items():
        name, *labels = field.split("|")
        if name in counts:
            counts[name] += value
        elif name in buckets:
            buckets[name][float(labels[1])] += value
    return list(counts.values()), list(buckets["wait"].values()), list(buckets["run"].values())


def _points(samples: Sequence[Sample]) -> Iterator[Point]:
    for before, after in pairwise(samples):
        seconds = after.at - before.at
        counts, wait, run = (_grown(getattr(before, name), getattr(after, name)) for name in ("counts", "wait", "run"))
        if counts is None or wait is None or run is None or seconds <= 0:
            continue
        values: dict[str, Any] = dict(zip(_RATES, (round(number / seconds, 6) for number in counts), strict=True))
        for name, buckets in (("wait", wait), ("run", run)):
            values |= {f"{name}_p50": quantile(0.5, buckets), f"{name}_p95": quantile(0.95, buckets)}
        values |= zip(_STANDING, after.standing, strict=True)
        yield Point(before.at, round(seconds, 6), **values)


def _grown(before: list[int], after: list[int]) -> list[int] | None:
    """By how much each has grown; None where one has shrunk, or they are not those of this version."""
    if len(before) != len(after):
        return None
    grown = [new - old for old, new in zip(before, after, strict=True)]
    return None if min(grown) < 0 else grown


def quantile(share: float, counts: Sequence[int]) -> float | None:
    """The value below which a share of what the buckets hold lies, as histogram_quantile of Prometheus says it.

    Within a bucket the values are taken as evenly spread; what lies above the last bound counts as that. None without values.

    Args:
        counts: of each bucket singly, the last one without a bound.
    """
    cumulative = list(accumulate(counts))
    if not cumulative[-1]:
        return None
    rank = share * cumulative[-1]
    at = next(number for number, total in enumerate(cumulative) if total >= rank and total)
    if at == len(BUCKETS):
        return BUCKETS[-1]
    low = BUCKETS[at - 1] if at else 0.0
    below = cumulative[at - 1] if at else 0
    return round(low + (BUCKETS[at] - low) * (rank - below) / counts[at], 6)
