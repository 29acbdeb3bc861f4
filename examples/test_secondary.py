"""The operation of `operations/secondary.py`, on incidents made for it: no service is needed."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lib.errors import InvalidParameters
from lib.operations import Catalog, Recorder, load_catalog, run, running

NOWHERE = float("nan")
# Minutes after the first one, metres north of it, what it is.
MADE = [(0, 0, "Crash"), (20, 300, "Stalled Vehicle"), (25, 9_000, "Crash"), (70, 400, "Loose Livestock"), (71, NOWHERE, "Crash")]


@pytest.fixture
def catalog() -> Catalog:
    found = load_catalog(Path(__file__).parent / "operations")
    assert found.broken == {}
    return found


@pytest.fixture
def df() -> pd.DataFrame:
    rows = [
        {
            "report_id": f"R{number}",
            "published": pd.Timestamp("2023-01-02 14:00Z") + pd.Timedelta(minutes=minutes),
            "date": "2023-01-02",
            "issue": issue,
            "latitude": 30.27 + metres / 111_195,
            "longitude": -97.74,
        }
        for number, (minutes, metres, issue) in enumerate(MADE)
    ]
    return pd.DataFrame(rows)


def result_of(catalog: Catalog, df: pd.DataFrame, **params: Any) -> tuple[Any, Recorder]:
    """What a job would have as its result, and what it would have said meanwhile."""
    with running(Recorder()) as told:
        return run(catalog.get("secondary_incidents"), params, df), told


def test_an_incident_follows_the_latest_one_that_is_near_enough(catalog: Catalog, df: pd.DataFrame) -> None:
    result, told = result_of(catalog, df)
    assert (result["incidents"], result["secondary"], result["left_out"]) == (4, 2, 1)
    assert result["by_issue"] == {"Stalled Vehicle": 1, "Loose Livestock": 1}
    assert told.files["secondary.csv"] == (b"report_id,follows\nR1,R0\nR3,R1\n", "text/csv")
    assert told.lines == ["1 incidents without a time or a place are left out"]


def test_the_limits_and_the_filters_are_kept(catalog: Catalog, df: pd.DataFrame) -> None:
    assert result_of(catalog, df, minutes=30)[0]["secondary"] == 1
    assert result_of(catalog, df, metres=50)[0]["secondary"] == 0
    assert result_of(catalog, df, issue="crash")[0]["incidents"] == 2
    assert result_of(catalog, df, start="2024-01-01")[0]["share"] is None


def test_what_does_not_fit_is_refused_by_its_name(catalog: Catalog) -> None:
    with pytest.raises(InvalidParameters, match=r"params\.minutes"):
        catalog.validate("secondary_incidents", {"minutes": 0})
