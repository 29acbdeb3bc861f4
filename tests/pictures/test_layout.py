"""No text covers another or leaves the sheet, in any picture and at any extreme; and every picture says what it must."""

import itertools
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from lib.pictures import KINDS, draw
from lib.pictures.style import INK, SOFT
from lib.pictures.words import counted
from tests.pictures.cases import CAPTION, CASES, EXTREMES, ORDINARY
from tests.pictures.results import ZONE

LEAST_ON_A_PHONE = 9.0
"""Points, where the picture is 360 CSS pixels wide (a point is 4/3 of them)."""


@dataclass(frozen=True)
class Seen:
    """A text as it stands on the sheet; its box in pixels."""

    text: str
    box: Bbox
    size: float
    colour: Any


@dataclass(frozen=True)
class Measured:
    title: str
    texts: list[Seen]
    box: Bbox
    wide: float

    def words(self) -> list[str]:
        return [each.text for each in self.texts]


@cache
def measured(name: str) -> Measured:
    """Every text that is seen on a picture, laid out as for its pixels."""
    with CASES[name].draw().sheet() as sheet:
        sheet.figure.draw_without_rendering()
        found = [each for each in sheet.figure.findobj(Text) if isinstance(each, Text) and each.get_visible() and each.get_text()]
        seen = [Seen(each.get_text(), each.get_window_extent(), float(each.get_fontsize()), each.get_color()) for each in found]
        return Measured(sheet.title, seen, sheet.figure.bbox.frozen(), sheet.figure.get_figwidth() * 72)


@pytest.mark.parametrize("name", CASES)
def test_no_text_covers_another_or_leaves_the_sheet(name: str) -> None:
    found = measured(name)

    assert len(found.texts) >= 4
    for one, other in itertools.combinations(found.texts, 2):
        shared = Bbox.intersection(one.box, other.box)
        covered = shared is not None and min(shared.width, shared.height) >= 1.5
        assert not covered, f"{one.text!r} and {other.text!r} share {shared}"
    for each in found.texts:
        inside = each.box.x0 >= 1 and each.box.y0 >= 1 and each.box.x1 <= found.box.x1 - 1 and each.box.y1 <= found.box.y1 - 1
        assert inside, f"{each.text!r} leaves the sheet: {each.box}"


@pytest.mark.parametrize("name", CASES)
def test_the_smallest_text_is_legible_on_a_phone_and_all_text_is_dark(name: str) -> None:
    found = measured(name)

    assert min(each.size for each in found.texts) / found.wide * 360 * 0.75 >= LEAST_ON_A_PHONE
    assert {each.colour for each in found.texts} <= {INK, SOFT}


@pytest.mark.parametrize("name", ORDINARY)
def test_a_picture_says_title_period_count_zone_and_source(name: str) -> None:
    _, result, caption, _ = CASES[name].make()
    said = " ".join(measured(name).words())

    for part in (measured(name).title, caption.period, counted(result["incident_count"]), f"Local time: {ZONE}", caption.source):
        assert part in said
    assert all(word in said for word in caption.chosen.split())


UNITS = {
    "trend_month": ("Incidents per month", "Month"),
    "trend_week": ("Incidents per week", "Week, by its Monday"),
    "trend_days": ("Incidents per day", "Day"),
    "trend_year": ("Incidents per year", "Year"),
    "trend_millions": ("Incidents per month (M = million)", "Month"),
    "by_hour": ("Incidents per hour, mean of 365 days", "Hour of the day (17 is from 5 to 6 pm)"),
    "by_weekday": ("Incidents per day, mean of 364 days", "Day of the week"),
    "heatmap": ("Incidents in that hour, mean of such days", "Hour of the day (17 is from 5 to 6 pm)"),
    "issue_breakdown": ("Incidents, share", "Kind of incident"),
    "time_on_feed": ("Median / 90 %, minutes", "Minutes from the report to the end"),
    "anomalies": ("Incidents per day", "Day"),
    "hotspots": ("Incidents within a cell of 100 m", "All incidents, in a cell of 250 m", "10 km (6.2 miles)", "North is up"),
}


@pytest.mark.parametrize("name", UNITS)
def test_every_axis_and_scale_says_its_unit(name: str) -> None:
    assert set(measured(name).words()) >= set(UNITS[name])


@pytest.mark.parametrize("name", [name for name in EXTREMES if name.endswith("_nothing")])
def test_nothing_to_draw_is_a_picture_that_says_so(name: str) -> None:
    said = measured(name).words()

    assert sum(text.startswith("No incident") for text in said) == 1
    assert any(ZONE in text for text in said)


def test_each_kind_is_drawn_in_its_ordinary_form_and_empty() -> None:
    both = {case.make()[0] for case in ORDINARY.values()} | {case.make()[0] for case in EXTREMES.values()}

    assert both | {"by_month"} == set(KINDS)  # by_month is trend's picture
    with pytest.raises(ValueError, match=r"no picture 'pie'; there are trend, "):
        draw("pie", {}, CAPTION)
