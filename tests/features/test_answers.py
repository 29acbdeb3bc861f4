"""Answers over HTTP compared with a reading of the same CSV that shares no code with ours: plain pandas, nothing of lib."""

import csv
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pandas as pd
import pytest

from tests.features.conftest import Demo
from tests.waiting import until

AUSTIN = ZoneInfo("America/Chicago")


@pytest.fixture(scope="module")
def reference(demo: Demo) -> pd.DataFrame:
    """The sample as pandas reads it: dates in Austin's time, one row per report, labels as the city folds them."""
    with (demo.data / "atx_traffic.csv").open(newline="") as file:
        frame = pd.DataFrame(list(csv.DictReader(file)))
    frame["published"] = pd.to_datetime(frame["Published Date"], format="%m/%d/%Y %I:%M:%S %p %z", utc=True).dt.tz_convert(AUSTIN)
    frame = frame.drop_duplicates("Traffic Report ID", keep="last")
    frame["day"] = frame["published"].dt.strftime("%Y-%m-%d")
    frame["label"] = frame["Issue Reported"].str.strip().str.upper().replace({"ZSTALLED VEHICLE": "STALLED VEHICLE"})
    return frame


def result(demo: Demo, operation: str, **params: Any) -> Any:
    """The result of a job, through the queue."""
    with httpx.Client(base_url=demo.url, timeout=30) as client:
        answer = client.post("/jobs", json={"operation": operation, "params": params})
        assert answer.status_code == 202, answer.text
        address = f"/jobs/{answer.json()['id']}/results"
        until(lambda: client.get(address).status_code != 202, 30, f"the result of {operation}")
        return client.get(address).json()


def direct(demo: Demo, operation: str, **params: Any) -> Any:
    """The answer of the direct route."""
    return httpx.get(f"{demo.url}/{operation}", params=params, timeout=30).json()


def test_every_row_was_read_once(demo: Demo, reference: pd.DataFrame) -> None:
    (version, *_) = httpx.get(f"{demo.url}/data/versions", timeout=30).json()["versions"]
    assert version["rows"] == len(reference)


def test_counts_by_local_day_agree(demo: Demo, reference: pd.DataFrame) -> None:
    counts = reference["day"].value_counts()
    for day in [*counts.index[:3], *counts.index[-3:], "2023-03-12", "2023-11-05"]:  # the last two have 23 and 25 hours
        expected = int(counts.get(day, 0))
        assert result(demo, "incident_count_by_date", date=day) == {"incident_count": expected}
        assert direct(demo, "incident_count_by_date", date=day) == {"count": expected, "incident_count": expected}


def test_the_number_of_kinds_agrees(demo: Demo, reference: pd.DataFrame) -> None:
    assert result(demo, "unique_issues") == {"unique_issues": reference["label"].nunique()}


@pytest.mark.parametrize("road", ["lamar", "IH 35", "35 Svrd", "(", ".*", "no such road"])
def test_incidents_by_road_agree(demo: Demo, reference: pd.DataFrame, road: str) -> None:
    address = reference["Address"].str.upper().str.split().str.join(" ")
    expected = int(address.str.contains(road.upper(), regex=False).sum())
    assert result(demo, "incidents_by_road", road=road)["count"] == expected


def test_the_top_places_by_address_agree(demo: Demo, reference: pd.DataFrame) -> None:
    def place(address: str) -> str:
        return " & ".join(sorted(" ".join(part.upper().split()) for part in address.split("&")))

    counts = reference["Address"].map(place).value_counts()
    top = result(demo, "top_locations", n=5)["top_locations"]
    assert list(top.values()) == counts.head(5).tolist()
    assert {place(name): number for name, number in top.items()} == {name: int(counts[name]) for name in map(place, top)}


def test_a_period_is_described_as_it_is(demo: Demo, reference: pd.DataFrame) -> None:
    found = result(demo, "describe", start="2022-06-01", end="2022-06-30")
    chosen = reference[(reference["day"] >= "2022-06-01") & (reference["day"] <= "2022-06-30")]
    assert found["incident_count"] == len(chosen)
    assert (
        httpx.post(f"{demo.url}/jobs", json={"start": "2022-06-01", "end": "2022-06-30"}, timeout=30).json()["start"]
        == "2022-06-01"
    )


def test_the_average_of_a_column_that_is_not_there_is_said_to_be_missing(demo: Demo) -> None:
    assert result(demo, "average_response_time") == {"error": "ResponseTime column missing"}
