"""Real slices of the portal's export. They run where TRAFFICJOBS_REAL_DATA names the folder that holds them."""

import os
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from lib.analysis import incident_count_by_date, incidents_by_road, top_locations, unique_issues
from lib.columns import frame
from tests.unit.incident_files import load, values
from tools.make_sample import make_sample


@pytest.fixture(scope="session")
def folder() -> Path:
    name = os.environ.get("TRAFFICJOBS_REAL_DATA")
    if not name:
        pytest.skip("TRAFFICJOBS_REAL_DATA does not name the folder of the real slices")
    return Path(name)


@pytest.mark.parametrize(
    ("name", "rows"),
    [("incidents_2020.csv", 3999), ("incidents_2020_squashed_header.csv", 3999), ("incidents_2017_api.json", 1000)],
)
def test_every_row_is_read_and_kept(folder: Path, name: str, rows: int) -> None:
    table, report = load((folder / name).read_bytes())

    assert (report.rows_read, report.rows_kept, table.num_rows) == (rows, rows, rows)
    assert table["published"].null_count == 0


def test_seven_coordinates_of_2020_are_nulled_with_their_reasons(folder: Path) -> None:
    table, report = load((folder / "incidents_2020.csv").read_bytes())

    assert Counter({note.reason: note.count for note in report.nulled}) == {"(0, 0)": 6, "the decimal point is lost": 1}
    assert (table["latitude"].null_count, table["longitude"].null_count, table["point"].null_count) == (7, 7, 7)


def test_both_headers_give_the_same_table(folder: Path) -> None:
    spaced, squashed = (
        load((folder / name).read_bytes())[0] for name in ("incidents_2020.csv", "incidents_2020_squashed_header.csv")
    )

    assert spaced.equals(squashed)


def test_the_status_date_in_1970_is_caught(folder: Path) -> None:
    table, report = load((folder / "incidents_2017_api.json").read_bytes())

    assert [note.count for note in report.nulled if note.reason.startswith("in 1970")] == [1]
    assert table["status_date"].null_count == 1


def test_local_days_and_hours_are_those_of_pandas(folder: Path) -> None:
    raw = pd.read_csv(folder / "incidents_2020.csv")
    moments = pd.to_datetime(raw["Published Date"], format="%m/%d/%Y %I:%M:%S %p %z", utc=True)
    local = [moment.to_pydatetime().astimezone(ZoneInfo("America/Chicago")) for moment in moments]
    expected = {
        name: (f"{moment:%Y-%m-%d}", moment.hour, moment.weekday())
        for name, moment in zip(raw["Traffic Report ID"], local, strict=True)
    }

    table = load((folder / "incidents_2020.csv").read_bytes())[0]

    columns = (values(table, name) for name in ("report_id", "date", "hour", "weekday"))
    assert {name: rest for name, *rest_list in zip(*columns, strict=True) for rest in [tuple(rest_list)]} == expected


def test_read_as_utc_days_are_wrong_and_the_rush_is_at_ten_as_the_docs_say(folder: Path) -> None:
    table = load((folder / "incidents_2020.csv").read_bytes())[0]

    utc = pd.DatetimeIndex(values(table, "published"))
    wrong = sum(day != f"{moment:%Y-%m-%d}" for day, moment in zip(values(table, "date"), utc, strict=True))
    assert f"{wrong / table.num_rows:.1%}" == "18.6%"
    assert (Counter(utc.hour).most_common(1)[0][0], Counter(values(table, "hour")).most_common(1)[0][0]) == (22, 17)


def test_the_operations_agree_with_plain_pandas(folder: Path) -> None:
    raw = pd.read_csv(folder / "incidents_2020.csv")
    moments = pd.to_datetime(raw["Published Date"], format="%m/%d/%Y %I:%M:%S %p %z", utc=True).dt.tz_convert("America/Chicago")
    on_day = int((moments.dt.strftime("%Y-%m-%d") == "2020-05-04").sum())
    labels = raw["Issue Reported"].replace({"zSTALLED VEHICLE": "Stalled Vehicle"}).nunique()
    streets = raw["Address"].str.upper().map(lambda text: " & ".join(sorted(part.strip() for part in text.split("&"))))
    df = frame(load((folder / "incidents_2020.csv").read_bytes())[0])

    assert incident_count_by_date(df, "2020-05-04") == {"incident_count": on_day}
    assert unique_issues(df) == {"unique_issues": labels}
    assert list(top_locations(df, 5)["top_locations"].values()) == streets.value_counts().head(5).tolist()
    for road in ("lamar", "S CONGRESS", "ih 35"):
        assert incidents_by_road(df, road) == {"count": int(raw["Address"].str.contains(road, case=False, regex=False).sum())}


def test_no_row_of_the_sample_is_real(folder: Path) -> None:
    real = pd.read_csv(folder / "incidents_2020.csv")
    sample = make_sample(50_000, seed=1).to_pandas()

    shared = real.merge(sample, on=["Published Date", "Issue Reported", "Address"])
    assert shared.empty
    assert not set(real["Traffic Report ID"]) & set(sample["Traffic Report ID"])
