"""What operations say of rows that lack something, of frames read by other means, and of questions that cost much."""

from collections import Counter
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from lib import clock, filters, places
from lib.analysis import (
    anomalies,
    by_hour,
    by_weekday,
    compare,
    describe,
    heatmap,
    hotspots,
    incident_count_by_date,
    incidents_by_road,
    issue_breakdown,
    time_on_feed,
    trend,
)
from lib.analysis.pictures import Pictures
from lib.columns import Coded
from lib.context import Recorder
from lib.filters import Filters
from lib.operations import running
from tests.unit.incident_files import frame_of, row

NO_PICTURES = Pictures(pictures=[])


def _days(month: int, first: int, last: int, each: int) -> list[str]:
    return [
        row(f"M{month}D{day}N{n}", f"{month:02d}/{day:02d}/2023 06:00:00 PM +0000")
        for day in range(first, last + 1)
        for n in range(each)
    ]


def _compared(*rows: str) -> dict[str, Any]:
    ends = (*_days(1, 1, 1, 1), *_days(12, 31, 31, 1))  # so that the data covers both periods
    return dict(compare(frame_of(*rows, *ends), "2023-03-01", "2023-03-28", "2023-04-01", "2023-04-28"))


def test_rows_without_a_day_are_counted_apart_and_are_in_no_rate() -> None:
    df = frame_of(*_days(3, 1, 1, 2), row("none", published=""))
    answer = by_weekday(df, look=NO_PICTURES)
    assert answer["without_day"] == 1
    assert sum(day["incident_count"] for day in answer["weekdays"]) + answer["without_day"] == answer["incident_count"] == 3
    assert describe(df)["per_day"] == 2


def test_a_column_with_two_names_is_missing_once() -> None:
    missing = describe(frame_of(row("A", issue="", address="")))["missing"]
    assert {"issue", "address", "address_raw"} <= missing.keys()
    assert not {"Issue_Report", "Location", "ResponseTime"} & missing.keys()


def test_days_that_pandas_has_parsed_are_days() -> None:
    df = pd.DataFrame({"date": pd.to_datetime(["2023-01-01", "2023-01-02", "2023-01-03"]), "Issue_Report": ["a", "b", "c"]})
    assert incident_count_by_date(df, "2023-01-02", Filters(start="2023-01-02", end="2023-01-02")) == {"incident_count": 1}
    assert describe(df)["last"] == "2023-01-03"


@pytest.mark.parametrize(
    ("before", "after", "statement"),
    [
        (5, 5, "As many incidents a day as before (95 % interval"),
        (5, 0, "The second period has no incident and the other has 140: there is no ratio of the two."),
        (0, 5, "The first period has no incident and the other has 140: there is no ratio of the two."),
        (0, 0, "There are too few days or incidents to say whether that is more than chance."),
    ],
)
def test_a_comparison_says_what_is_so_where_a_ratio_would_not(before: int, after: int, statement: str) -> None:
    assert _compared(*_days(3, 1, 28, before), *_days(4, 1, 28, after))["statement"].startswith(statement)


def test_many_hotspots_cost_no_more_passes_over_the_rows_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    df = frame_of(*(row(f"A{n}", latitude=f"30.{20 + n}", location="") for n in range(30)))
    passes: list[int] = []
    counts = Coded.counts

    def counting(labels: Coded, *where: Any) -> Any:
        passes.append(len(labels.codes))
        return counts(labels, *where)

    monkeypatch.setattr(Coded, "counts", counting)
    asked = {}
    for n in (1, 30):
        passes.clear()
        assert len(hotspots(df, n, look=NO_PICTURES)["hotspots"]) == n
        asked[n] = len(passes)
    assert asked[1] == asked[30]


def test_the_same_street_many_times_is_looked_for_once_and_only_where_the_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    df = frame_of(*(row(f"A{n}", address=address) for n, address in enumerate(("Elm St & A St", "Oak St & A St", "B St"))))
    asked: list[tuple[str, int]] = []
    containing = places.containing

    def asking(values: pa.Array, text: str) -> Any:
        asked.append((text, len(values)))
        return containing(values, text)

    monkeypatch.setattr(places, "containing", asking)
    assert incidents_by_road(df, "a & elm & A & a & A") == {"count": 1}
    assert asked == [("ELM", 3), ("A", 1)]


def _compare_march(df: pd.DataFrame, where: Filters) -> Any:
    return compare(df, "2023-03-01", "2023-03-28", "2023-04-01", "2023-04-28", where)


@pytest.mark.parametrize("operation", [partial(anomalies, look=NO_PICTURES), _compare_march])
def test_several_periods_cost_one_look_at_each_filter_and_one_at_the_zone(
    operation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    df = frame_of(*_days(3, 1, 28, 2), *_days(4, 1, 28, 3))
    asked: Counter[str] = Counter()

    def counted(module: Any, name: str) -> None:
        function = getattr(module, name)

        def counting(*args: Any) -> Any:
            asked[name] += 1
            return function(*args)

        monkeypatch.setattr(module, name, counting)

    counted(clock, "local_columns")
    counted(filters, "along")
    counted(filters, "_inside")
    where = Filters(tz="Asia/Tokyo", road="CONGRESS", bbox=[-98, 30, -97, 31], start="2023-03-05", end="2023-04-05")
    operation(df, where=where)
    assert asked == {"local_columns": 1, "along": 1, "_inside": 1}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("operation", [anomalies, by_hour, by_weekday, heatmap, hotspots, issue_breakdown, time_on_feed, trend])
@pytest.mark.parametrize("missing", ["published", "location", "issue", "address", "status", "status_date"])
def test_rows_that_lack_something_are_drawn_all_the_same(operation: Any, missing: str) -> None:
    without = {"latitude": "", "longitude": ""} if missing == "location" else {}
    df = frame_of(*(row(f"R{n}", **({missing: ""} | without)) for n in range(3)))
    with running(Recorder()) as recorder:
        operation(df)
    assert {name.rpartition(".")[2] for name in recorder.files} >= {"png", "svg"}
