"""Numbers, times and charts as pages show them."""

import re
from datetime import datetime

import pytest
from markupsafe import Markup

from services.api.dashboard import words
from services.api.dashboard.charts import Line, ceiling, chart


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0 ms"),
        (0.0004, "0.4 ms"),
        (0.35, "350 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (2.44, "2.4 s"),
        (59.6, "60 s"),
        (60, "1 min"),
        (200.4, "3 min 20 s"),
        (3_600, "1 h"),
        (3_601, "1 h"),
        (7_260, "2 h 1 min"),
        (187_200, "2 d 4 h"),
        (8_640_000, "100 d"),
    ],
)
def test_durations(value: float | None, shown: str) -> None:
    assert words.seconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0, "0"), (1234567, "1\u202f234\u202f567"), (1.5, "1.50"), (1234.5, "1\u202f234"), (3.0, "3")],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert words.number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**30, "1.0 GiB"), (2**50, "1024 TiB")]
)
def test_sizes(value: float | None, shown: str) -> None:
    assert words.size(value) == shown


def test_spans_between_moments() -> None:
    assert words.between("2024-05-01T12:00:00Z", "2024-05-01T12:00:01.5Z") == 1.5
    assert words.between("2024-05-01T12:00:01Z", "2024-05-01T12:00:00Z") == 0
    assert words.between(None, "2024-05-01T12:00:00Z") is None
    assert datetime.fromisoformat("2024-05-01T12:00:00Z").tzinfo is not None


@pytest.mark.parametrize(
    ("largest", "whole", "top", "step"),
    [
        (0, False, 1.0, 0.5),
        (0, True, 1, 1),
        (1, True, 1, 1),
        (2, True, 2, 1),
        (3, True, 3, 1),
        (9, False, 10, 2.5),
        (9, True, 9, 3),
        (100, False, 100, 25),
        (0.004, False, 0.004, 0.001),
        (61, False, 80, 20),
    ],
)
def test_an_axis_ends_at_a_round_number_above_all_values(largest: float, whole: bool, top: float, step: float) -> None:
    assert ceiling(largest, whole) == pytest.approx((top, step))
    assert top >= largest


def drawn(lines: list[Line], moments: list[float]) -> str:
    return str(chart("Jobs <b>", moments, lines, words.number, lambda moment: f"<{moment:.0f}>"))


def test_a_chart_leaves_gaps_says_its_last_values_and_escapes_everything() -> None:
    made = drawn([Line("a&b", [1.0, None, 3.0, None])], [0.0, 10.0, 20.0, 30.0])
    (path,) = re.findall(r'<path class="line one" d="([^"]*)"/></svg>|<path class="line one" d="(M[^"]*)"/><', made)[:1]
    assert "".join(path).count("M") == 2
    assert "Jobs &lt;b&gt;: a&amp;b now 3" in made
    assert "<b>3</b>" in made
    assert "&lt;15&gt;" in made
    assert isinstance(chart("t", [], [Line("none", [])], words.number, str), Markup)


def test_a_chart_of_nothing_is_a_chart() -> None:
    assert "now none" in drawn([Line("x", [None, None])], [0.0, 1.0])
