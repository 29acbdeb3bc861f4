"""The operations that answer with numbers, on our frame and on the course's."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.analysis import (
    average_response_time,
    describe,
    incident_count_by_date,
    incidents_by_road,
    top_locations,
    unique_issues,
)
from lib.columns import Coded, frame
from lib.errors import InvalidInput
from lib.operations import Recorder, load_catalog, run, running
from lib.places import containing
from tests.unit.incident_files import HEADER, csv_file, frame_of, load, row, week


@pytest.fixture(scope="module")
def df() -> pd.DataFrame:
    return frame_of(*week())


@pytest.fixture
def course() -> pd.DataFrame:
    """A frame as the course reads it."""
    return pd.DataFrame(
        {
            "date": ["2023-01-01", "2023-01-01", "2023-01-02", None],
            "Location": ["S CONGRESS", "N Lamar", "s congress", None],
            "ResponseTime": [4.0, 6.0, None, 8.0],
            "Issue_Report": ["Crash", "Hazard", "Crash", None],
        }
    )


def test_incidents_are_counted_by_local_day(df: pd.DataFrame) -> None:
    assert incident_count_by_date(df, "2023-01-03") == {"incident_count": 5}
    assert incident_count_by_date(df, "2023-01-05") == {"incident_count": 2}
    assert incident_count_by_date(df, "1999-01-01") == {"incident_count": 0}


def test_an_evening_in_austin_counts_for_its_own_day_not_the_next() -> None:
    assert incident_count_by_date(frame_of(row(published="01/03/2023 03:00:00 AM +0000")), "2023-01-02") == {"incident_count": 1}


def test_top_locations_are_addresses_in_one_spelling(df: pd.DataFrame) -> None:
    assert top_locations(df, 3) == {
        "top_locations": {"100 S CONGRESS AVE": 5, "BURNET RD & W BRAKER LN": 4, "5 MAIN (NORTH) ST": 2}
    }
    assert list(top_locations(df)["top_locations"]) == [
        "100 S CONGRESS AVE",
        "BURNET RD & W BRAKER LN",
        "5 MAIN (NORTH) ST",
        "9 OAK DR",
    ]


def test_top_locations_can_be_coordinates_or_cells_of_a_grid(df: pd.DataFrame) -> None:
    assert top_locations(df, by="location") == {"top_locations": {"(30.25,-97.75)": 11}}
    assert top_locations(df, by="grid") == {"top_locations": {"30.25023,-97.74957": 11}}


def test_equal_places_are_cut_in_the_order_of_their_names() -> None:
    df = frame_of(*(row(f"R{n}", address=name) for n, name in enumerate("DBCA")))

    assert top_locations(df, 2) == {"top_locations": {"A": 1, "B": 1}}


def test_without_a_response_time_nothing_is_invented(df: pd.DataFrame) -> None:
    assert average_response_time(df) == {"error": "ResponseTime column missing"}


def test_folded_labels_count_once(df: pd.DataFrame) -> None:
    assert unique_issues(df) == {"unique_issues": 3}


@pytest.mark.parametrize(
    ("road", "count"),
    [
        ("S CONGRESS", 5),
        ("s congress ave", 5),
        ("burnet", 4),
        ("W Braker Ln & Burnet Rd", 4),
        ("burnet&braker", 4),
        ("(north)", 2),
        ("(", 2),
        (".*", 0),
        ("(a+)+$", 0),
        ("\\", 0),
        ("AVE100", 0),
        ("E\n", 0),
        ("&burnet", 4),
        ("&", 4),
    ],
)
def test_a_road_is_looked_for_as_literal_text_in_any_case(df: pd.DataFrame, road: str, count: int) -> None:
    assert incidents_by_road(df, road) == {"count": count}


@given(st.lists(st.text("AB ", max_size=4), max_size=8), st.text("AB ", min_size=1, max_size=4), st.integers(0, 3))
def test_searching_all_strings_as_one_finds_what_searching_each_finds(strings: list[str], text: str, skip: int) -> None:
    values = pa.array(["AAA", *strings, ""], pa.string())[skip:]

    assert containing(values, text).tolist() == [text in each for each in values.to_pylist()]


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=40), st.integers(1, 8))
def test_values_are_seen_as_they_are_counted(labels: list[str | None], block: int) -> None:
    labels_of = pa.array([*labels, "never"], pa.string()).dictionary_encode()
    indices = labels_of.indices.fill_null(-1).to_numpy(zero_copy_only=False)[:-1]
    column = Coded(indices, labels_of.dictionary)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("lib.columns._BLOCK", block)
        assert column.present() == int((column.counts() > 0).sum()) == len(set(labels) - {None})


def test_every_address_is_found_by_any_part_of_it(df: pd.DataFrame) -> None:
    for address in set(df["address"].astype(str)):
        expected = int(df["address"].astype(str).str.contains(address[1:7], regex=False).sum())
        assert incidents_by_road(df, address[1:7]) == {"count": expected}


def test_the_functions_work_on_a_frame_with_the_courses_columns(course: pd.DataFrame) -> None:
    assert incident_count_by_date(course, "2023-01-01") == {"incident_count": 2}
    assert top_locations(course, n=1) == {"top_locations": {"S CONGRESS": 2}}
    assert average_response_time(course) == {"avg_response": 6.0}
    assert unique_issues(course) == {"unique_issues": 2}
    assert incidents_by_road(course, "congress") == {"count": 2}


def test_the_courses_expressions_work_on_our_frame(df: pd.DataFrame) -> None:
    assert df[df["date"] == "2023-01-03"].shape[0] == 5
    assert df["Location"].value_counts().head(1).to_dict() == {"100 S Congress Ave": 3}
    assert df["Issue_Report"].nunique() == 3
    assert df[df["Location"].str.contains("S CONGRESS", case=False, na=False)].shape[0] == 5
    assert "ResponseTime" not in df.columns


def test_a_column_that_is_not_there_is_named_with_its_spellings() -> None:
    with pytest.raises(InvalidInput, match=r"no column for 'issue' \(known as issue, issuereported, issuereport\)"):
        unique_issues(pd.DataFrame({"a": [1]}))


def test_describe_takes_the_days_in_either_order(df: pd.DataFrame) -> None:
    answer = describe(df, "2023-01-05", "2023-01-04")

    assert answer == describe(df, "2023-01-04", "2023-01-05")
    assert (answer["start"], answer["end"]) == ("2023-01-04", "2023-01-05")
    assert (answer["incident_count"], answer["days"], answer["per_day"]) == (7, 2, 3.5)
    assert answer["busiest_day"] == {"date": "2023-01-04", "incident_count": 5}
    assert sum(answer["issues"].values()) == 7
    assert answer["missing"]["latitude"] == 1


def test_describe_of_an_empty_period_says_zero(df: pd.DataFrame) -> None:
    answer = describe(df, "2020-01-01")

    assert answer["incident_count"] == 12
    assert describe(df, "2020-01-01", "2020-12-31")["incident_count"] == 0
    assert describe(df, None, "2020-12-31")["busiest_day"] is None


def test_describe_counts_everything_without_days_even_rows_without_a_date() -> None:
    assert describe(frame_of(row(), row("R2", published="")))["incident_count"] == 2


def test_print_logs_the_message() -> None:
    with running(Recorder()) as context:
        assert run(load_catalog().get("print"), {"msg": "Hello 1"}) == {"msg": "Hello 1"}
    assert context.lines == ["Hello 1"]


def test_all_operations_work_on_a_file_where_everything_that_may_be_missing_is() -> None:
    df = frame_of(
        row("R1", published="", issue="", location="", latitude="", longitude="", address="", status="", status_date="")
    )

    assert incident_count_by_date(df, "2023-01-01") == {"incident_count": 0}
    assert top_locations(df) == top_locations(df, by="grid") == top_locations(df, by="location") == {"top_locations": {}}
    assert unique_issues(df) == {"unique_issues": 0}
    assert incidents_by_road(df, "x") == {"count": 0}
    assert describe(df, "2023-01-01")["incident_count"] == 0


def test_response_times_in_the_file_are_averaged() -> None:
    table, _ = load(csv_file(f"{row()},4", f"{row('R2')},5", header=f"{HEADER},ResponseTime"))

    assert average_response_time(frame(table)) == {"avg_response": 4.5}


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        (["4", "6.5", None], 5.25),
        (["4", "unknown", "", "6"], 5.0),
        ([4.0, "n/a", None, 6], 5.0),
        (["unknown", None], None),
        ([None, None], None),
        ([True, "4"], 2.5),
        (pd.Series(["4", "x"], dtype="category"), 4.0),
        (pd.Series(["4", "x"], dtype=pd.ArrowDtype(pa.string())), 4.0),
        (pd.Series([4, None], dtype="Int64"), 4.0),
    ],
)
def test_response_times_of_a_foreign_frame_are_read_as_numbers_and_the_rest_is_left_out(values: Any, mean: float | None) -> None:
    assert average_response_time(pd.DataFrame({"ResponseTime": values})) == {"avg_response": mean}
