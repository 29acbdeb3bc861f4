"""The plot operation: what it draws, what it counts, and that nothing stays behind."""

import io
import sys
from typing import Any

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from lib.errors import InvalidParameters
from lib.operations import Recorder, load_catalog, run, running
from tests.unit.incident_files import frame_of, week


@pytest.fixture(scope="module")
def df() -> pd.DataFrame:
    return frame_of(*week())


def drawn(df: pd.DataFrame, **params: Any) -> tuple[dict[str, Any], np.ndarray]:
    """The result and the picture as an array of pixels."""
    with running(Recorder()) as context:
        result = run(load_catalog().get("plot"), params, df)
    data, content_type = context.files["plot.png"]
    assert content_type == "image/png"
    return result, matplotlib.image.imread(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["by_day", "by_month", "by_weekday", "by_hour", "by_issue"])
def test_every_kind_is_a_picture_with_its_numbers(df: pd.DataFrame, kind: str) -> None:
    result, picture = drawn(df, kind=kind)

    assert picture.shape == (624, 1200, 4)
    assert picture[..., :3].std() > 0.05  # not a blank sheet
    assert (result["file"], result["incident_count"], sum(result["counts"])) == ("plot.png", 12, 12)
    assert len(result["labels"]) == len(result["counts"])


def test_a_day_without_incidents_is_drawn_as_zero(df: pd.DataFrame) -> None:
    result, _ = drawn(df, start="2023-01-06", end="2023-01-02")

    assert dict(zip(result["labels"], result["counts"], strict=True)) == {
        "2023-01-02": 0, "2023-01-03": 5, "2023-01-04": 5, "2023-01-05": 2, "2023-01-06": 0,
    }  # fmt: skip


def test_one_date_is_drawn_by_the_hour(df: pd.DataFrame) -> None:
    result, _ = drawn(df, date="2023-01-05")

    assert (result["kind"], result["start"], result["end"]) == ("by_hour", "2023-01-05", "2023-01-05")
    assert result["counts"][17] == 2


@pytest.mark.parametrize("kind", ["by_day", "by_month", "by_hour", "by_issue"])
def test_a_period_without_incidents_is_a_picture_that_says_so(df: pd.DataFrame, kind: str) -> None:
    assert drawn(df, kind=kind, start="2020-01-01", end="2020-02-01")[0]["incident_count"] == 0
    assert drawn(df, kind=kind, end="2020-02-01")[0]["incident_count"] == 0


def test_a_long_time_is_drawn_as_a_line(df: pd.DataFrame) -> None:
    assert len(drawn(df, start="2022-01-01", end="2023-06-01")[0]["counts"]) == 517


@pytest.mark.timeout(20)
@pytest.mark.parametrize("period", [{"end": "6347-10-01"}, {"start": "0001-01-01", "end": "9999-12-31"}])
@pytest.mark.parametrize("kind", ["by_day", "by_month"])
def test_a_period_of_thousands_of_years_is_drawn_as_far_as_incidents_may_lie(
    df: pd.DataFrame, kind: str, period: dict[str, str]
) -> None:
    result, _ = drawn(df, kind=kind, **period)

    assert result["incident_count"] == 12
    assert result["labels"][-1].startswith("2080-01")


def test_a_date_and_a_period_together_are_refused(df: pd.DataFrame) -> None:
    with pytest.raises(InvalidParameters, match="not both"):
        drawn(df, date="2023-01-05", start="2023-01-01")


def test_pyplot_is_never_imported(df: pd.DataFrame) -> None:
    drawn(df)

    assert "matplotlib.pyplot" not in sys.modules
