"""The history of rates and times: samples of the counters, once for each stretch, and what is made of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import orjson
import pytest

from lib.errors import InvalidInput
from lib.history import STREAMS, Sample, quantile
from lib.jobs import Jobs, Point, Submission, complete, failed
from lib.scripts import BUCKETS
from lib.upkeep import Upkeep
from tests.waiting import until

WORDS = [word for name, step, most in STREAMS for word in (name, step * 1_000, most)]


def keep(jobs: Jobs, sample: Sample, words: Sequence[Any] = WORDS) -> Any:
    """What `remember` does with a sample, of any time."""
    return jobs.store.run("remember", int(sample.at * 1_000), orjson.dumps(sample), *words)


def now(jobs: Jobs) -> Sample:
    """The counters of now."""
    return jobs._sample()


def entries(jobs: Jobs, stream: str = "history.hour") -> list[int]:
    """Starts of the stretches that have a sample, ms."""
    found: Any = jobs.store.records.xrange(jobs.settings.key_prefix + stream)
    return [int(entry.partition(b"-")[0]) for entry, _ in found]


def last_point(jobs: Jobs) -> Point:
    """The point that ends now, once it is long enough to be shown."""
    points: list[Point] = []

    def shown() -> bool:
        points[:] = jobs.history(60)
        return bool(points)

    until(shown, 5, "a point")
    return points[-1]


def test_rates_and_times_agree_with_the_records(jobs: Jobs) -> None:
    jobs.remember()
    ids = [one.id for one in jobs.submit_many(Submission("x") for _ in range(20))]
    jobs.cancel(jobs.submit(Submission("x", run_in=60)).id)
    for number in range(20):
        claim = jobs.claim("child", "worker", ["job-queue"])
        assert claim is not None
        jobs.finish(claim, complete(b"1") if number < 15 else failed({"type": "E", "message": "no", "reason": "exception"}))
    jobs.submit(Submission("x", run_in=60))
    jobs.submit(Submission("x"))
    point = last_point(jobs)
    numbers = (point.submitted, point.completed, point.failed, point.cancelled, point.retried)
    assert [round(rate * point.seconds, 2) for rate in numbers] == [23, 15, 5, 1, 0]
    assert (point.depth, point.running, point.scheduled) == (1, 0, 1)

    def times(begin: str, end: str) -> list[float]:
        moments = [[datetime.fromisoformat(getattr(jobs.get(jid), name)) for name in (begin, end)] for jid in ids]
        return sorted((after - before).total_seconds() for before, after in moments)

    for shown, real in (
        (point.wait_p50, times("submitted", "started")[9]),
        (point.wait_p95, times("submitted", "started")[18]),
        (point.run_p50, times("started", "ended")[9]),
        (point.run_p95, times("started", "ended")[18]),
    ):
        assert shown is not None
        bucket = next(at for at, bound in enumerate(BUCKETS) if real <= bound)
        assert (BUCKETS[bucket - 1] if bucket else 0) <= shown <= BUCKETS[bucket]


def test_where_nothing_happened_there_are_no_times(jobs: Jobs) -> None:
    jobs.remember()
    point = last_point(jobs)
    assert (point.submitted, point.completed, point.wait_p50, point.run_p95) == (0, 0, None, None)


def test_a_stretch_has_one_sample_however_many_write_it(jobs: Jobs) -> None:
    sample = replace(now(jobs), at=1_000_003.0)
    assert keep(jobs, sample) == 3
    assert keep(jobs, sample) == 0
    assert keep(jobs, replace(sample, at=1_000_009.9)) == 0
    assert keep(jobs, replace(sample, at=1_000_010.0)) == 1
    assert (entries(jobs), entries(jobs, "history.day")) == ([1_000_000_000, 1_000_010_000], [999_900_000])


def test_streams_keep_no_more_than_they_are_to(jobs: Jobs) -> None:
    sample = now(jobs)
    for number in range(8):
        keep(jobs, replace(sample, at=1_000_000.0 + 10 * number), ("history.hour", 10_000, 3))
    assert entries(jobs) == [1_000_050_000, 1_000_060_000, 1_000_070_000]


def test_a_clock_that_was_set_back_begins_the_history_anew(jobs: Jobs) -> None:
    sample = now(jobs)
    keep(jobs, replace(sample, at=sample.at + 3_600))
    assert keep(jobs, sample) == 3
    assert entries(jobs) == [int(sample.at // 10 * 10_000)]


def grown(sample: Sample, at: float, submitted: int) -> Sample:
    """A sample `at` seconds later, with so many more submits."""
    return replace(sample, at=sample.at + at, counts=[sample.counts[0] + submitted, *sample.counts[1:]])


def test_a_stretch_without_samples_is_one_point_of_its_true_length(jobs: Jobs) -> None:
    base = now(jobs)
    base = replace(base, at=base.at - 600)
    for at, submitted in ((0, 0), (10, 20), (310, 320), (320, 330)):
        keep(jobs, grown(base, at, submitted))
    points = jobs.history(3_600)[:3]
    assert [(round(point.seconds), point.submitted) for point in points] == [(10, 2.0), (300, 1.0), (10, 1.0)]


def test_a_counter_that_went_back_gives_no_rate(jobs: Jobs) -> None:
    base = now(jobs)
    base = replace(base, at=base.at - 600, counts=[100, 0, 0, 0, 0])
    for at, submitted in ((0, 0), (10, 20), (20, 5), (30, 15)):
        keep(jobs, grown(base, at, submitted))
    points = jobs.history(3_600)
    assert [(round(point.start - base.at), point.submitted) for point in points] == [(0, 2.0), (20, 1.0)]


def test_the_samples_of_another_version_give_no_rate(jobs: Jobs) -> None:
    base = now(jobs)
    for at, buckets in ((0, 3), (10, 3), (20, 18), (30, 18)):
        keep(jobs, replace(base, at=base.at - 600 + at, wait=[0] * buckets))
    assert [round(point.start - base.at) for point in jobs.history(3_600)[:2]] == [-600, -580]


def test_an_hour_a_day_and_a_week_are_read_from_streams_of_their_own(jobs: Jobs) -> None:
    base = now(jobs)
    for name, step, most in STREAMS:
        for number in range(most, 0, -1):
            keep(jobs, replace(base, at=base.at - number * step), (name, step * 1_000, most))
    for seconds, step in ((3_600, 10), (86_400, 300), (604_800, 1_800)):
        points = jobs.history(seconds)
        assert len(points) <= seconds // step + 2
        assert points[0].start <= base.at - seconds + step
        assert {round(before.start + before.seconds - after.start) for before, after in pairwise(points)} == {0}
        assert {round(point.seconds) for point in points[:-1]} == {step}
    assert len(jobs.history(60)) <= 8


@pytest.mark.parametrize("seconds", [0, 59, 604_801])
def test_what_is_not_kept_is_refused(jobs: Jobs, seconds: int) -> None:
    with pytest.raises(InvalidInput, match="60 to 604800") as refusal:
        jobs.history(seconds)
    assert refusal.value.field == "seconds"


def test_a_history_costs_the_same_commands_with_many_jobs(jobs: Jobs) -> None:
    def commands() -> int:
        before = int(jobs.store.records.info("stats")["total_commands_processed"])
        jobs.history(3_600)
        return int(jobs.store.records.info("stats")["total_commands_processed"]) - before

    jobs.remember()
    jobs.submit_many(Submission("x") for _ in range(30))
    commands()  # loads the scripts
    few = commands()
    jobs.submit_many(Submission("x") for _ in range(3_000))
    assert commands() == few


def test_upkeep_samples_when_it_is_time_and_not_in_every_round(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    upkeep, pauses, calls = Upkeep(jobs), [0.0, 3_600.0], []
    remember = jobs.remember

    def counted() -> float:
        assert 0 < remember() <= 10
        calls.append(1)
        return pauses.pop(0)

    monkeypatch.setattr(jobs, "remember", counted)
    for _ in range(5):
        upkeep.round()
    assert len(calls) == 2
    assert 1 <= len(entries(jobs)) <= 2


@pytest.mark.parametrize(
    ("share", "counts", "value"),
    [
        (0.5, {}, None),
        (0.5, {0: 10}, 0.0005),
        (0.5, {1: 4}, 0.00175),
        (0.95, {0: 95, 3: 5}, 0.001),
        (0.5, {0: 1, 17: 9}, 1800.0),
        (0.25, {9: 2, 16: 2}, 0.75),
    ],
)
def test_a_quantile_is_that_of_histogram_quantile(share: float, counts: dict[int, int], value: float | None) -> None:
    assert quantile(share, [counts.get(at, 0) for at in range(len(BUCKETS) + 1)]) == value


def test_a_counter_that_is_none_of_ours_ends_no_history(jobs: Jobs) -> None:
    jobs.store.records.hset(f"{jobs.settings.key_prefix}metrics", mapping={"wait|a|b|0.1": 1, "wait|0.1": 1, "run|": 1, "run": 1})
    jobs.remember()
    assert sum(now(jobs).wait) == sum(now(jobs).run) == 0
    assert not [name for name in jobs.counters() if name.partition("|")[0] in ("wait", "run")]
