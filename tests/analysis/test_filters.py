"""The filters that operations share: what they take, what they refuse, and which rows they leave."""

from inspect import signature
from typing import Any

import pandas as pd
import pytest

from lib.analysis import by_hour, by_weekday, describe, incidents_by_road, issue_breakdown, top_locations, trend, unique_issues
from lib.columns import frame
from lib.context import Recorder
from lib.errors import InvalidInput, InvalidParameters
from lib.filters import Filters
from lib.operations import load_catalog, run, running
from tests.unit.incident_files import csv_file, frame_of, load, row, week

FILTERED = ["incident_count_by_date", "top_locations", "average_response_time", "unique_issues", "incidents_by_road", "trend",
            "by_hour", "by_weekday", "heatmap", "issue_breakdown", "hotspots", "nearby", "time_on_feed", "anomalies"]  # fmt: skip
NEEDED: dict[str, dict[str, Any]] = {
    "incident_count_by_date": {"date": "2023-01-03"},
    "incidents_by_road": {"road": "s"},
    "nearby": {"latitude": 30.25, "longitude": -97.75},
}


@pytest.fixture(scope="module")
def df() -> pd.DataFrame:
    return frame_of(*week())


@pytest.mark.parametrize("name", FILTERED)
def test_every_operation_on_the_data_takes_every_filter(name: str) -> None:
    fields = load_catalog().get(name).json_schema()["properties"]
    assert {"start", "end", "issue", "road", "bbox", "agency", "tz"} <= fields.keys()
    own = list(signature(load_catalog().get(name).function).parameters)[1:-1]
    assert [field for field in fields if field in own] == list(fields)[: len(set(own) & fields.keys())], "its own come first"


@pytest.mark.parametrize("name", FILTERED)
def test_a_filter_that_leaves_nothing_gives_an_empty_answer(df: pd.DataFrame, name: str) -> None:
    operation = load_catalog().get(name)
    for nothing in (
        {"start": "1999-01-01", "end": "1999-12-31"},
        {"issue": "Flying Saucer"},
        {"bbox": [0, 0, 1, 1]},
        {"agency": "nobody"},
        {"road": "no such road"},
    ):
        with running(Recorder()):
            drawn: dict[str, Any] = {"pictures": []} if "pictures" in operation.params_model.model_fields else {}
            answer = run(operation, NEEDED.get(name, {}) | drawn | nothing, df)
        empty = {"top_locations": {"top_locations": {}}, "unique_issues": {"unique_issues": 0}, "incidents_by_road": {"count": 0}}
        if name in empty and "road" not in nothing:
            assert answer == empty[name]
        if "incident_count" in answer:
            assert answer["incident_count"] == 0


@pytest.mark.parametrize(
    ("params", "field", "message"),
    [
        ({"tz": "Mars/Olympus"}, "params.tz", "is not an IANA time zone such as America/Chicago"),
        ({"tz": "../etc/passwd"}, "params.tz", "is not an IANA time zone"),
        ({"tz": "America"}, "params.tz", "is not an IANA time zone"),
        ({"tz": ""}, "params.tz", "should have at least 1 character"),
        ({"bbox": [1, 2, 3]}, "params.bbox", "should have at least 4 items"),
        ({"bbox": [-97, 30, -98, 91]}, "params.bbox", "west, south, east, north in degrees"),
        ({"bbox": "here"}, "params.bbox", "must be a list"),
        ({"start": "2023-02-30"}, "params.start", "is no day of the calendar"),
        ({"issue": []}, "params.issue", "at least 1 item"),
        ({"issue": 5}, "params.issue", "must be a string"),
        ({"isue": "x"}, "params.isue", 'did you mean "issue"?'),
    ],
)
def test_a_filter_that_cannot_be_is_refused_by_its_name(params: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InvalidParameters) as caught:
        load_catalog().validate("unique_issues", params)
    assert any(name.startswith(field) and message in text for name, text in caught.value.problems), caught.value.problems


def test_a_query_string_writes_a_box_with_commas_or_four_times() -> None:
    catalog = load_catalog()
    box = [-97.8, 30.2, -97.7, 30.3]
    assert catalog.validate("unique_issues", {"bbox": "-97.8,30.2,-97.7,30.3"}, coerce=True) == {"bbox": box}
    assert catalog.validate("unique_issues", {"bbox": ["-97.8", "30.2", "-97.7", "30.3"]}, coerce=True) == {"bbox": box}


def test_the_corners_of_a_box_may_come_in_either_order() -> None:
    assert load_catalog().validate("unique_issues", {"bbox": [-97.7, 30.3, -97.8, 30.2]}) == {"bbox": [-97.8, 30.2, -97.7, 30.3]}


def test_an_issue_is_meant_in_any_spelling_and_one_that_is_unknown_is_said_in_the_log(df: pd.DataFrame) -> None:
    with running(Recorder()) as recorder:
        known = issue_breakdown(df, Filters(issue=["zCRASH URGENT", " stalled   vehicle "]))
        assert recorder.lines == []
        unique_issues(df, Filters(issue="Crash Urgnt"))
    assert {each["issue"] for each in known["issues"]} == {"Crash Urgent", "Stalled Vehicle"}
    assert recorder.lines == ["The data has no issue 'Crash Urgnt' (did you mean \"Crash Urgent\"?)."]


def test_all_that_is_given_must_hold(df: pd.DataFrame) -> None:
    one, other = Filters(issue="Crash Urgent"), Filters(road="congress")
    both = Filters(issue="Crash Urgent", road="congress")
    counts = [each.rows(df).count for each in (one, other, both)]
    assert counts[2] == int((one.rows(df).mask & other.rows(df).mask).sum())  # type: ignore[operator]
    assert 0 < counts[2] < min(counts[:2])


def test_a_road_of_the_operation_and_the_filters_of_the_others_go_together(df: pd.DataFrame) -> None:
    catalog = load_catalog()
    operation = catalog.get("incidents_by_road")
    everything = run(operation, {"road": "burnet"}, df)
    assert everything == incidents_by_road(df, "burnet") == {"count": 4}
    parts = [
        run(operation, {"road": "burnet", "start": day, "end": day}, df)["count"]
        for day in ("2023-01-03", "2023-01-04", "2023-01-05")
    ]
    assert sum(parts) == 4


def test_days_begin_where_the_zone_says() -> None:
    df = frame_of(row(published="01/03/2023 03:00:00 AM +0000"))
    assert describe(df)["first"] == "2023-01-02"
    assert run(load_catalog().get("describe"), {"tz": "UTC"}, df)["first"] == "2023-01-03"
    assert [hour["hour"] for hour in by_hour(df, Filters(tz="Asia/Kolkata"))["hours"] if hour["incident_count"]] == [8]
    assert unique_issues(df, Filters(start="2023-01-03", end="2023-01-03")) == {"unique_issues": 0}
    assert unique_issues(df, Filters(start="2023-01-03", end="2023-01-03", tz="UTC")) == {"unique_issues": 1}


@pytest.mark.parametrize(
    ("instant", "hour"),
    [("03/12/2023 07:59:59 AM +0000", 1), ("03/12/2023 08:00:00 AM +0000", 3),
     ("11/05/2023 06:30:00 AM +0000", 1), ("11/05/2023 07:30:00 AM +0000", 1), ("11/05/2023 08:00:00 AM +0000", 2)],
)  # fmt: skip
def test_hours_follow_daylight_saving(instant: str, hour: int) -> None:
    found = by_hour(frame_of(row(published=instant)))["hours"]
    assert [each["hour"] for each in found if each["incident_count"]] == [hour]


def test_a_row_with_a_day_and_no_time_keeps_its_day_in_every_zone_and_has_no_hour() -> None:
    table, _ = load(csv_file("R1,2023-01-02,Crash,Main St", header="Report ID,date,Issue Reported,Address"))
    df = frame(table)
    for zone in (None, "Asia/Tokyo"):
        assert describe(df, where=Filters(tz=zone))["first"] == "2023-01-02"
        assert by_hour(df, Filters(tz=zone))["without_time"] == 1
        assert by_weekday(df, Filters(tz=zone))["weekdays"][0]["incident_count"] == 1


def test_a_frame_without_instants_says_that_no_zone_can_be_had() -> None:
    course = pd.DataFrame({"date": ["2023-01-01"], "Location": ["X"], "Issue_Report": ["Crash"]})
    assert unique_issues(course, Filters(start="2023-01-01")) == {"unique_issues": 1}
    assert top_locations(course, where=Filters(issue="crash")) == {"top_locations": {"X": 1}}
    with pytest.raises(InvalidInput, match="no column for 'published'"):
        unique_issues(course, Filters(start="2023-01-01", tz="UTC"))


def test_days_without_an_incident_count_for_rates_and_days_outside_the_data_do_not() -> None:
    df = frame_of(row("A", published="01/02/2023 06:00:00 PM +0000"), row("B", published="01/11/2023 06:00:00 PM +0000"))
    found = by_weekday(df, Filters(start="2020-01-01", end="2030-01-01"))
    assert sum(each["days"] for each in found["weekdays"]) == found["days"] == 10
    monday = found["weekdays"][0]
    assert (monday["days"], monday["incident_count"], monday["per_day"]) == (2, 1, 0.5)
    assert by_weekday(df, Filters(issue="none"))["days"] == 10


def test_steps_that_are_cut_are_marked() -> None:
    days = [f"{month:02d}/{day:02d}/2023 06:00:00 PM +0000" for month in (1, 2, 3) for day in (1, 14, 28)]
    df = frame_of(*(row(f"R{n}", published=when) for n, when in enumerate(days)))
    whole = {each["period"]: each["complete"] for each in trend(df)["bins"]}
    assert whole == {"2023-01": True, "2023-02": True, "2023-03": False}
    cut = {each["period"]: each["complete"] for each in trend(df, where=Filters(start="2023-01-15", end="2023-02-28"))["bins"]}
    assert cut == {"2023-01": False, "2023-02": True}
    by_day = trend(df, by="day")["bins"]
    assert [each["complete"] for each in (by_day[0], by_day[1], by_day[-1])] == [False, True, False]
    assert sum(each["incident_count"] for each in by_day) == 9
