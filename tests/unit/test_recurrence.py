"""Times of recurrences, at changes of the clock too."""

from datetime import UTC, datetime
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from lib.errors import InvalidInput
from lib.recurrence import Recurrence

CHICAGO = ZoneInfo("America/Chicago")


def at(text: str, zone: ZoneInfo | None = None) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone or UTC).timestamp()


def local(moment: float) -> str:
    return datetime.fromtimestamp(moment, CHICAGO).strftime("%m-%d %H:%M")


def test_a_daily_time_keeps_its_hour_over_both_changes_of_the_clock() -> None:
    daily = Recurrence(cron="0 6 * * *", timezone="America/Chicago")
    spring = list(islice(daily.after(at("2026-03-07T00:00", CHICAGO)), 3))
    assert [local(time) for time in spring] == ["03-07 06:00", "03-08 06:00", "03-09 06:00"]
    assert [b - a for a, b in pairwise(spring)] == [23 * 3600, 24 * 3600]
    autumn = list(islice(daily.after(at("2026-10-31T00:00", CHICAGO)), 3))
    assert [b - a for a, b in pairwise(autumn)] == [25 * 3600, 24 * 3600]


def test_a_time_in_the_missing_hour_comes_once_and_one_in_the_double_hour_too() -> None:
    spring = Recurrence(cron="30 2 * * *", timezone="America/Chicago")
    assert len([t for t in islice(spring.after(at("2026-03-08T00:00", CHICAGO)), 2) if local(t).startswith("03-08")]) == 1
    autumn = Recurrence(cron="30 1 * * *", timezone="America/Chicago")
    assert len([t for t in islice(autumn.after(at("2026-11-01T00:00", CHICAGO)), 3) if local(t).startswith("11-01")]) == 1


def test_seconds_count_from_the_anchor() -> None:
    every = Recurrence(every=90.0, anchor=1000.0)
    assert list(islice(every.after(1000.0), 3)) == [1090.0, 1180.0, 1270.0]
    assert every.next(1089.9) == 1090.0
    assert every.newest(1090.0, 1200.0) == 1180.0
    assert every.count(1090.0, 1180.0) == 2


@pytest.mark.parametrize("seconds", [1.6, 90.1, 7.7, 3600.3])
def test_seconds_that_no_float_holds_make_each_time_once(seconds: float) -> None:
    every = Recurrence(every=seconds)
    for number in range(int(1.7e9 / seconds), int(1.7e9 / seconds) + 200):
        at = number * seconds
        following = every.next(at)
        assert following == (number + 1) * seconds
        assert (every.newest(at, at), every.newest(at, following), every.count(at, following)) == (at, following, 2)


@pytest.mark.parametrize("recurrence", [Recurrence(cron="*/10 * * * *"), Recurrence(every=600.0)])
def test_the_newest_time_and_the_number_of_missed_ones_agree_with_a_walk(recurrence: Recurrence) -> None:
    first = at("2026-01-01T00:10")
    for now in (first, first + 599, first + 600, first + 12_345):
        walk = [first, *(time for time in islice(recurrence.after(first), 100) if time <= now)]
        assert recurrence.newest(first, now) == walk[-1]
        assert recurrence.count(first, walk[-1]) == len(walk)


def test_a_week_of_missed_minutes_is_counted_up_to_a_bound_and_its_newest_is_right() -> None:
    minutely = Recurrence(cron="* * * * *")
    first = at("2026-01-01T00:00")
    now = first + 10 * 86_400 + 30
    assert minutely.newest(first, now) == first + 10 * 86_400
    assert minutely.count(first, now) == 10_000


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "cron"),
        ({"cron": "* * * * *", "every": 5.0}, "cron"),
        ({"cron": "* * * *"}, "cron"),
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"cron": "0 0 * * * *"}, "cron"),
        ({"every": 0.5}, "every"),
        ({"every": float("nan")}, "every"),
        ({"cron": "* * * * *", "timezone": "Mars/Base"}, "timezone"),
        ({"cron": "* * * * *", "timezone": "../etc/passwd"}, "timezone"),
    ],
)
def test_what_is_no_recurrence_is_refused_by_its_field(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Recurrence(**arguments)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_names_stand_for_expressions() -> None:
    assert Recurrence(cron="@daily").next(at("2026-01-01T05:00")) == at("2026-01-02T00:00")
