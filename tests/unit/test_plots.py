"""The plot operation: which picture each kind is, with which numbers, and in which forms."""

import io
import sys
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from PIL import Image

from lib import filters
from lib.analysis import by_hour, by_weekday, heatmap, hotspots, issue_breakdown, pictures, trend
from lib.context import Content
from lib.errors import InvalidParameters
from lib.filters import Filters
from lib.operations import Recorder, load_catalog, run, running
from lib.pictures import Background
from lib.places import along
from tests.unit.incident_files import frame_of, week

KINDS = ("by_day", "by_month", "by_weekday", "by_hour", "by_issue", "trend", "heatmap", "map")


@pytest.fixture(scope="module")
def df() -> pd.DataFrame:
    return frame_of(*week())


class Offered(Recorder):
    """Keeps what would make each file."""

    def __init__(self) -> None:
        super().__init__()
        self.contents: dict[str, Any] = {}

    def save_file(self, name: str, data: Content, content_type: str) -> None:
        self.contents[content_type] = data


def numbers(df: pd.DataFrame, **params: Any) -> dict[str, Any]:
    """The result alone; nothing is drawn."""
    with running(Recorder()) as context:
        result: dict[str, Any] = run(load_catalog().get("plot"), {"pictures": []} | params, df)
    assert not any(name.startswith("plot.") for name in context.files)
    return result


def drawn(df: pd.DataFrame, **params: Any) -> tuple[dict[str, Any], list[str], Image.Image]:
    """The result, the texts on the picture, and its pixels."""
    with running(Recorder()) as context:
        result = run(load_catalog().get("plot"), params, df)
    (png, png_type), (svg, svg_type) = context.files["plot.png"], context.files["plot.svg"]
    assert (png_type, svg_type) == ("image/png", "image/svg+xml")
    texts = [each.text or "" for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    return result, texts, Image.open(io.BytesIO(png))


TITLES = {
    "by_day": "Incidents by day",
    "by_month": "Incidents by month",
    "by_weekday": "Incidents by weekday",
    "by_hour": "Incidents by hour of the day",
    "by_issue": "Incidents by kind",
    "trend": "Incidents by day",
    "heatmap": "Incidents by weekday and hour",
    "map": "Where incidents are most frequent",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_picture_with_its_numbers(df: pd.DataFrame, kind: str) -> None:
    result, texts, picture = drawn(df, kind=kind, start="2023-01-01")

    assert (TITLES[kind] in texts, picture.width) == (True, 1280)
    assert any(text.startswith("since 2023-01-01, 12 incidents") for text in texts)
    assert (result["file"], result["kind"], result["incident_count"]) == ("plot.png", kind, 12)
    assert len(result["labels"]) == len(result["counts"])
    assert sum(result["counts"]) == (11 if kind == "map" else 12)  # one has no place


def test_the_numbers_are_those_of_the_operation_that_the_kind_stands_for(df: pd.DataFrame) -> None:
    where = Filters(start="2023-01-04", issue="Crash Urgent")
    given = {"start": "2023-01-04", "issue": "Crash Urgent"}
    found = {kind: numbers(df, kind=kind, **given)["counts"] for kind in KINDS}

    days = [each["incident_count"] for each in trend(df, "day", where)["bins"]]
    assert found["by_day"] == found["trend"] == days
    assert found["by_month"] == [sum(days)]
    assert found["by_weekday"] == [each["incident_count"] for each in by_weekday(df, where)["weekdays"]]
    assert found["by_hour"] == [each["incident_count"] for each in by_hour(df, where)["hours"]]
    assert found["by_issue"] == [each["incident_count"] for each in issue_breakdown(df, where)["issues"]]
    assert found["heatmap"] == [count for line in heatmap(df, where)["counts"] for count in line]
    assert found["map"] == [each["incident_count"] for each in hotspots(df, where=where)["hotspots"]]
    assert 0 < sum(days) < 12


def test_a_day_without_incidents_is_a_zero_and_days_outside_the_data_are_none(df: pd.DataFrame) -> None:
    result = numbers(df, start="2023-01-06", end="2023-01-02")

    assert dict(zip(result["labels"], result["counts"], strict=True)) == {"2023-01-03": 5, "2023-01-04": 5, "2023-01-05": 2}
    assert (result["start"], result["end"]) == ("2023-01-02", "2023-01-06")
    assert numbers(df, road="Main")["counts"] == [1, 1, 0]


def test_one_date_is_drawn_by_the_hour(df: pd.DataFrame) -> None:
    result = numbers(df, date="2023-01-05")

    assert (result["kind"], result["start"], result["end"]) == ("by_hour", "2023-01-05", "2023-01-05")
    assert result["counts"][17] == 2


def test_the_trend_of_a_long_time_is_by_week_and_of_a_longer_one_by_month() -> None:
    rows = week()
    years = frame_of(*rows, rows[0].replace("R0,", "R99,").replace("2023", "2024"))
    decade = frame_of(*rows, rows[0].replace("R0,", "R99,").replace("2023", "2032"))

    assert numbers(years, kind="trend")["labels"][:2] == ["2023-W01", "2023-W02"]
    assert numbers(decade, kind="trend")["labels"][:2] == ["2023-01", "2023-02"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_period_without_incidents_is_a_picture_that_says_so(df: pd.DataFrame, kind: str) -> None:
    result, texts, _ = drawn(df, kind=kind, start="2020-01-01", end="2020-02-01")

    assert result["incident_count"] == 0
    assert any(text.startswith("No incidents") for text in texts)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("period", [{"end": "6347-10-01"}, {"start": "0001-01-01", "end": "9999-12-31"}])
@pytest.mark.parametrize("kind", ["by_day", "by_month"])
def test_a_period_of_thousands_of_years_is_drawn_as_far_as_there_are_data(
    df: pd.DataFrame, kind: str, period: dict[str, str]
) -> None:
    assert numbers(df, kind=kind, **period)["incident_count"] == 12


def test_a_picture_is_kept_in_the_forms_asked_for(df: pd.DataFrame) -> None:
    with running(Recorder()) as context:
        result = run(load_catalog().get("plot"), {"pictures": ["svg"]}, df)

    assert (list(context.files), result["file"]) == (["plot.svg"], "plot.svg")
    assert numbers(df)["file"] is None


def test_a_date_and_a_period_together_are_refused(df: pd.DataFrame) -> None:
    with pytest.raises(InvalidParameters, match="not both"):
        numbers(df, date="2023-01-05", start="2023-01-01")


def test_pyplot_is_never_imported(df: pd.DataFrame) -> None:
    drawn(df)

    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.parametrize("kind", KINDS)
def test_a_plot_looks_at_its_filters_once(df: pd.DataFrame, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counting(addresses: Any, road: str) -> Any:
        asked.append(road)
        return along(addresses, road)

    monkeypatch.setattr(filters, "along", counting)
    with running(Offered()):
        run(load_catalog().get("plot"), {"kind": kind, "road": "congress"}, df)
    assert asked == ["congress"]


@pytest.mark.parametrize(("operation", "params"), [("hotspots", {}), ("plot", {"kind": "map"})])
def test_the_ground_of_a_map_is_made_for_what_is_drawn(
    df: pd.DataFrame, operation: str, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Background] = []

    def making(*columns: Any) -> Background:
        made.append(Background(*columns))
        return made[-1]

    monkeypatch.setattr(pictures, "Background", making)
    with running(Offered()) as offered:
        run(load_catalog().get(operation), params, df)
    assert not made
    assert offered.contents["image/png"]().startswith(b"\x89PNG")
    assert len(made) == 1
