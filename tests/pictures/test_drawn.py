"""What stands on a picture is what the result says: heights, marks, shades, places and areas."""

import datetime
import math
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import EllipseCollection, FillBetweenPolyCollection, QuadMesh
from matplotlib.container import BarContainer

from lib.pictures import Background, draw
from lib.pictures.dates import edges, ticks
from lib.pictures.ground import CITY, KILOMETRES, window
from lib.pictures.sheet import Sheet
from lib.pictures.timeline import mean, smooth
from lib.pictures.words import clean, cut, number, steps, width, wrap
from tests.pictures.cases import CAPTION, CASES
from tests.pictures.results import everywhere, hotspots, hours, issues, on_feed


def numbers(values: Any) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def bars(sheet: Sheet) -> list[Any]:
    return [bar for box in sheet.figure.axes[0].containers if isinstance(box, BarContainer) for bar in box]


def test_a_trend_of_few_bins_has_bars_baselines_and_a_hatched_part() -> None:
    _, result, _, _ = CASES["trend_month"].make()
    with CASES["trend_month"].draw().sheet() as sheet:
        found = sorted((bar.get_x(), bar.get_height(), bar.get_hatch()) for bar in bars(sheet))
        marks = sheet.figure.axes[0].collections[-1].get_paths()

    assert [height for _, height, _ in found] == [entry["incident_count"] for entry in result["bins"]]
    assert [hatch for *_, hatch in found] == [None if entry["complete"] else "///" for entry in result["bins"]]
    levels = [path.vertices[0, 1] for path in marks]
    np.testing.assert_allclose(numbers(levels), numbers(entry["baseline"] for entry in result["bins"]))


def test_a_trend_of_many_bins_is_a_line_from_zero_with_open_dots_where_bins_are_cut() -> None:
    _, result, _, _ = CASES["trend_week"].make()
    with CASES["trend_week"].draw().sheet() as sheet:
        axes = sheet.figure.axes[0]
        base, counts, dots = (np.asarray(line.get_ydata()) for line in axes.get_lines())
        lowest = axes.get_ylim()[0]
        filled = [each for each in axes.collections if isinstance(each, FillBetweenPolyCollection)]

    expected = [entry["incident_count"] if entry["complete"] else None for entry in result["bins"]]
    np.testing.assert_array_equal(numbers(counts), numbers(expected))
    np.testing.assert_array_equal(numbers(base), numbers(entry["baseline"] for entry in result["bins"]))
    assert (dots.tolist(), lowest, len(filled)) == ([result["bins"][-1]["incident_count"]], 0, 2)


def test_of_twenty_years_of_days_the_range_and_the_mean_are_drawn() -> None:
    _, result, _, _ = CASES["trend_twenty_years_of_days"].make()
    with CASES["trend_twenty_years_of_days"].draw().sheet() as sheet:
        axes = sheet.figure.axes[0]
        band = next(each for each in axes.collections if isinstance(each, FillBetweenPolyCollection))
        reach = band.get_paths()[0].vertices[:, 1].max()
        points = len(np.asarray(axes.get_lines()[1].get_ydata()))

    assert reach == max(entry["incident_count"] for entry in result["bins"])
    assert 365 < points <= 730


def test_means_skip_what_is_missing() -> None:
    values = np.arange(1000, dtype=float)
    values[:2] = np.nan

    assert np.isnan(mean(values)[0])
    assert (mean(values)[1:3].tolist(), len(mean(values))) == ([2.5, 4.5], 500)
    assert np.isnan(smooth(np.where(values > 100, values, np.nan))[0])


def test_bars_of_hours_are_means_and_only_the_highest_is_labelled_where_there_is_no_room() -> None:
    _, result, _, _ = CASES["by_hour"].make()
    with CASES["by_hour"].draw().sheet() as sheet:
        heights = [bar.get_height() for bar in bars(sheet)]
        labels = [text.get_text() for text in sheet.figure.axes[0].texts if text.get_text()]

    assert heights == [entry["per_day"] for entry in result["hours"]]
    assert labels == [number(max(heights))]


def test_the_heat_map_shows_the_means_and_leaves_days_that_do_not_occur_white() -> None:
    _, result, _, _ = CASES["heatmap_one"].make()
    with CASES["heatmap_one"].draw().sheet() as sheet:
        mesh = next(each for each in sheet.figure.axes[0].collections if isinstance(each, QuadMesh))
        shown: Any = np.ma.filled(np.ma.asarray(mesh.get_array()), np.nan).reshape(7, 24)
        limits = mesh.get_clim()

    np.testing.assert_array_equal(shown, np.array([numbers(row) for row in result["per_hour"]]))
    assert (np.isnan(shown[0]).all(), limits) == (True, (0, 1))


def test_kinds_beyond_thirty_are_one_row_that_holds_their_sum() -> None:
    _, result, _, _ = CASES["issues_sixty"].make()
    with CASES["issues_sixty"].draw().sheet() as sheet:
        found = [bar.get_width() for bar in bars(sheet)]
        said = {text.get_text() for text in sheet.figure.texts}

    assert (len(found), sum(found)) == (30, result["incident_count"])
    assert "31 other kinds" in said


def test_incidents_that_cannot_be_drawn_are_counted_below() -> None:
    kinds = issues(["Crash Urgent"], 3) | {"without_issue": 2}
    for kind, result, said in (
        ("issue_breakdown", kinds, "Not drawn: 2 incidents without a kind"),
        ("by_hour", hours(100, without_time=1), "Not drawn: 1 incident without a time"),
        ("time_on_feed", on_feed(["A"], 100), "Left out: 12 active, 3 no status date"),
        ("hotspots", hotspots(201, 100), "Not on the map: 1 hotspot after these"),
    ):
        with draw(kind, result, CAPTION).sheet() as sheet:
            assert said in {text.get_text() for text in sheet.figure.texts}


def test_anomalies_are_marked_above_and_below() -> None:
    _, result, _, _ = CASES["anomalies"].make()
    with CASES["anomalies"].draw().sheet() as sheet:
        _, above, below = sheet.figure.axes[0].get_lines()
        marked = {marks.get_marker(): np.asarray(marks.get_ydata()).tolist() for marks in (above, below)}

    odd = result["anomalies"]
    assert marked["^"] == [day["incident_count"] for day in odd if day["incident_count"] > day["high"]]
    assert marked["v"] == [day["incident_count"] for day in odd if day["incident_count"] < day["low"]]
    assert min(len(found) for found in marked.values()) > 0


def test_rings_lie_at_their_places_with_areas_by_their_counts() -> None:
    _, result, _, _ = CASES["hotspots"].make()
    spots = result["hotspots"]
    with CASES["hotspots"].draw().sheet() as sheet:
        axes = sheet.figure.axes[0]
        rings = next(each for each in axes.collections if isinstance(each, EllipseCollection))
        places, sizes = np.asarray(rings.get_offsets()), np.asarray(rings.get_widths())
        scale = axes.transData.transform([(0, 0), (1, 1)])

    view = window(*(np.array([spot[name] for spot in spots]) for name in ("latitude", "longitude")))
    x, y = view.place(*(np.array([spot[name] for spot in spots]) for name in ("latitude", "longitude")))
    np.testing.assert_allclose(places, np.column_stack([x, y]))
    counts = np.array([spot["incident_count"] for spot in spots])
    np.testing.assert_allclose(sizes**2 / sizes[0] ** 2, counts / counts[0])
    (x0, y0), (x1, y1) = scale
    assert x1 - x0 == pytest.approx(y0 - y1, rel=1e-3)  # a kilometre is as long either way, and south is down


def test_the_window_holds_the_city_and_every_hotspot_and_a_degree_east_is_shorter() -> None:
    view = window(np.array([30.9]), np.array([-96.4]))
    south, north, west, east = CITY
    x, y = view.place(np.array([south, north, 30.9]), np.array([west, east, -96.4]))

    assert ((x > 0) & (x < view.wide) & (y > 0) & (y < view.high)).all()
    assert (x[1] - x[0]) / (east - west) == pytest.approx(KILOMETRES * math.cos(math.radians((south + 30.9) / 2)))
    assert (y[0] - y[1]) / (north - south) == pytest.approx(KILOMETRES)
    assert 0.69 < view.high / view.wide < 1.36


def test_the_ground_counts_every_incident_in_the_window_once() -> None:
    ground = everywhere(10_000)
    view = window(np.array([]), np.array([]))
    x, y = view.place(ground.latitude, ground.longitude)
    with np.errstate(invalid="ignore"):
        inside = int(((x >= 0) & (x < view.wide) & (y >= 0) & (y < view.high)).sum())

    assert inside <= view.density(ground).sum() <= inside + 5  # the last cells reach over the edge
    one = view.density(Background(np.array([30.27, np.nan, 0.0]), np.array([-97.74, -97.74, 0.0])))
    assert one.sum() == 1
    row, column = np.argwhere(one)[0] * view.cell
    at = view.place(np.array([30.27]), np.array([-97.74]))
    assert column <= at[0][0] < column + view.cell
    assert row <= at[1][0] < row + view.cell


@pytest.mark.parametrize("by", ["day", "week", "month", "year"])
@pytest.mark.parametrize("count", [1, 2, 7, 31, 60, 400, 3000])
def test_dates_below_an_axis_fit_and_stand_at_their_bins(by: str, count: int) -> None:
    days = {"day": 1, "week": 7, "month": 30, "year": 365}[by] * count
    first = datetime.date(2019, 12, 30)
    last = first + datetime.timedelta(days=min(days, 80 * 365))
    found = ticks(by, first.toordinal(), last.toordinal(), 350, middle=False)

    assert len(found) >= 1 or by in ("month", "year")
    ends = [(tick.place - first.toordinal()) / (last - first).days * 350 for tick in found]
    half = [max(width(tick.text), width(tick.year)) / 2 for tick in found]
    for place in range(1, len(found)):
        assert ends[place] - half[place] > ends[place - 1] + half[place - 1]
    years = [tick.year for tick in found if tick.year]
    assert years == sorted(set(years))


def test_bins_of_each_kind_begin_and_end_where_the_calendar_says() -> None:
    starts, ends = edges("week", ["2020-W53", "2021-W01"])
    assert [datetime.date.fromordinal(int(day)).isoformat() for day in starts] == ["2020-12-28", "2021-01-04"]
    assert ends[0] == starts[1]
    assert (edges("month", ["2023-12"])[1] - edges("month", ["2023-12"])[0]).tolist() == [31]
    assert (edges("year", ["2024"])[1] - edges("year", ["2024"])[0]).tolist() == [366]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.4211, "0.42"), (7.5, "7.50"), (12.34, "12.3"), (143.857, "144"), (12345, "12,345"), (1_428_571, "1.43 M"),
     (10_000_000, "10 M"), (9_876_543_210, "9,877 M"), (None, "none"), (float("nan"), "none")],
)  # fmt: skip
def test_numbers_are_short(value: float | None, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize("top", [0.003, 0.9, 1, 2, 7, 11.7, 99, 5_400, 10_000_000, 3e12])
@pytest.mark.parametrize("whole", [True, False])
def test_scales_have_a_few_round_steps(top: float, whole: bool) -> None:
    found = steps(top, whole=whole)

    assert (found[0], found[-1] <= top * 1.0001, len(found) <= 6) == (0, True, True)
    assert len(found) >= 3 or (whole and top < 2)
    assert not whole or all(float(value).is_integer() for value in found)


def test_texts_are_cleaned_cut_and_broken_into_lines() -> None:
    assert clean(" a\tb\n\x00c  d ") == "a b c d"
    assert clean("\ud800x\u202ey") == "x y"
    assert cut("short", 200) == "short"
    shortened = cut("W" * 500, 200)
    assert shortened.endswith("…")
    assert width(shortened) <= 200
    lines = wrap("many words " * 30, 200)
    assert (len(lines), lines[-1][-1]) == (3, "…")
    assert all(width(line) <= 200 for line in lines)
    assert (wrap("", 200), wrap("W" * 300, 100)) == ([], [cut("W" * 300, 100)])
