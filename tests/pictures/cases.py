"""Results to be drawn: an ordinary one of each kind, and the extremes of each. `CASES` names them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from lib.pictures import Background, Caption, Picture, draw
from tests.pictures.results import (
    KINDS_OF_INCIDENT,
    WEEKDAYS,
    ZONE,
    Result,
    anomalies,
    everywhere,
    heatmap,
    hotspots,
    hours,
    issues,
    on_feed,
    trend,
    weekdays,
)

SOURCE = "City of Austin, Real-Time Traffic Incident Reports"
CAPTION = Caption("2023-01-01 to 2023-12-31", "", ZONE, SOURCE)
CHOSEN = Caption(
    "2023-01-01 to 2023-12-31", "Crash Urgent, road S CONGRESS, bbox 30.1,-97.9,30.5,-97.5, agency AUSTIN PD", ZONE, SOURCE
)
LONG = Caption(
    "all the data", "road " + "$x_1^2$ <script>alert('&')</script> " * 20 + "W" * 300, ZONE, SOURCE + " and others" * 20
)
ODD = (
    "$\\frac{1}{0}$ and $_^{ unclosed",
    "<script>alert(1)</script> & \"quotes\" 'both'",
    "under_score_and^caret",
    "Ünfall mit Größe, ñandú, Ωμέγα, Ж",
    "事故 🚗 عربى",
    "COLLISION WITH INJURY INVOLVING SEVERAL VEHICLES, A TRAILER AND A LOOSE HORSE ON THE FRONTAGE ROAD",
    "W" * 500,
    "tab\tnewline\nnull\x00bell\x07escape\x1b[31mred",
    "‮right to left‬ ​zero width",
    "",
)
Made = tuple[str, Result, Caption, Background | None]


@dataclass(frozen=True)
class Case:
    """A picture to be drawn; `make` gives kind, result, caption and background."""

    make: Callable[[], Made]

    def draw(self) -> Picture:
        return draw(*self.make())


def _case(
    kind: str, make: Callable[[], Result], caption: Caption = CAPTION, ground: Callable[[], Background] | None = None
) -> Case:
    return Case(lambda: (kind, make(), caption, ground() if ground else None))


def _outside() -> Result:
    found = hotspots(6, 30, middle=(30.9, -96.4))
    found["hotspots"].append(found["hotspots"][0] | {"rank": 7, "latitude": 0.0, "longitude": 0.0, "address": None})
    return found


def _one_hour() -> Result:
    found = hours(1, 1)
    for entry in found["hours"]:
        entry["incident_count"] = entry["per_day"] = int(entry["hour"] == 23)
    return found


def _few_weekdays() -> Result:
    """No Monday lies in the period."""
    entries = [{"weekday": day, "incident_count": n, "days": n, "per_day": n or None} for n, day in enumerate(WEEKDAYS)]
    return weekdays(21) | {"weekdays": entries}


def _sundays() -> Result:
    return heatmap(1) | {"per_hour": [[None] * 24, *([[0.0] * 24] * 5), [0.0] * 23 + [1.0]]}


def _gone_at_once() -> Result:
    at_once = {"incident_count": 1, "median_minutes": 0.0, "p90_minutes": 0.0}
    return {"incident_count": 1, "all": at_once, "issues": [{"issue": "A", **at_once}], "left_out": {}}


def _nowhere() -> Background:
    return Background(np.full(3, np.nan), np.full(3, np.nan))


_NO_HOTSPOTS = {"incident_count": 0, "located": 0, "cell_metres": 100, "hotspots": []}
_NO_FEED = {"incident_count": 4, "issues": [], "left_out": {"active": 4}}
_NONE = {"incident_count": 0, "median_minutes": None, "p90_minutes": None}
ORDINARY: dict[str, Case] = {
    "trend_month": _case("trend", lambda: trend("month", 14, 4200)),
    "trend_months": _case("trend", lambda: trend("month", 96, 4200, first="2017-01-01"), CHOSEN),
    "trend_week": _case("trend", lambda: trend("week", 110, 1000, first="2022-01-03")),
    "trend_days": _case("by_day", lambda: trend("day", 2600, 140, first="2018-01-01")),
    "trend_year": _case("trend", lambda: trend("year", 8, 51000, first="2018-01-01", baseline=False)),
    "by_hour": _case("by_hour", lambda: hours(51_109, without_time=12)),
    "by_weekday": _case("by_weekday", lambda: weekdays(51_109)),
    "heatmap": _case("heatmap", lambda: heatmap(51_109)),
    "issue_breakdown": _case("issue_breakdown", lambda: issues(KINDS_OF_INCIDENT, 12_779)),
    "time_on_feed": _case("time_on_feed", lambda: on_feed(KINDS_OF_INCIDENT, 50_874)),
    "anomalies": _case("anomalies", lambda: anomalies(365, 140)),
    "hotspots": _case("hotspots", lambda: hotspots(20, 412), CHOSEN, everywhere),
}
"""One of each kind: those that are compared with approved pictures."""
EXTREMES: dict[str, Case] = {
    "trend_nothing": _case("trend", lambda: trend("month", 0, 0)),
    "trend_one_bin": _case("trend", lambda: trend("month", 1, 40), LONG),
    "trend_two_days": _case("trend", lambda: trend("day", 2, 140)),
    "trend_one_incident": _case("trend", lambda: trend("day", 1, 1, cut=False, baseline=False)),
    "trend_one_month_of_days": _case("by_day", lambda: trend("day", 31, 140, first="2022-12-10")),
    "trend_month_change": _case("by_day", lambda: trend("day", 40, 140, first="2022-12-10")),
    "trend_41_days": _case("by_day", lambda: trend("day", 41, 140, first="2022-12-10")),
    "trend_a_year_of_days": _case("by_day", lambda: trend("day", 365, 140, first="2023-01-01")),
    "trend_twenty_years_of_days": _case("by_day", lambda: trend("day", 7305, 140, first="2004-01-01")),
    "trend_sixty_years": _case("trend", lambda: trend("year", 60, 140, first="2000-01-01")),
    "trend_millions": _case("trend", lambda: trend("month", 12, 10_000_000)),
    "trend_weeks": _case("trend", lambda: trend("week", 9, 1000, first="2022-11-28")),
    "trend_thirty_weeks": _case("trend", lambda: trend("week", 30, 1000, first="2022-08-01")),
    "by_hour_nothing": _case("by_hour", lambda: hours(0, 0)),
    "by_hour_one": _case("by_hour", _one_hour),
    "by_hour_millions": _case("by_hour", lambda: hours(10_000_000_000, 1), LONG),
    "by_weekday_nothing": _case("by_weekday", lambda: weekdays(0)),
    "by_weekday_millions": _case("by_weekday", lambda: weekdays(987_654_321, 1)),
    "by_weekday_no_monday": _case("by_weekday", _few_weekdays),
    "heatmap_nothing": _case("heatmap", lambda: heatmap(0)),
    "heatmap_one": _case("heatmap", _sundays),
    "heatmap_millions": _case("heatmap", lambda: heatmap(10_000_000_000, 1), LONG),
    "issues_nothing": _case("by_issue", lambda: issues([], 0)),
    "issues_one": _case("by_issue", lambda: issues(["Crash Urgent"], 1)),
    "issues_odd": _case("issue_breakdown", lambda: issues(list(ODD), 10_000_000), LONG),
    "issues_sixty": _case("issue_breakdown", lambda: issues([f"{ODD[n % 10]} {n}" for n in range(60)], 10_000_000)),
    "feed_nothing": _case("time_on_feed", lambda: _NO_FEED | {"all": _NONE}),
    "feed_odd": _case("time_on_feed", lambda: on_feed(list(ODD) * 4, 10_000_000), LONG),
    "feed_instant": _case("time_on_feed", _gone_at_once),
    "anomalies_nothing": _case("anomalies", lambda: anomalies(0, 1)),
    "anomalies_one_day": _case("anomalies", lambda: anomalies(1, 140, odd=1)),
    "anomalies_month": _case("anomalies", lambda: anomalies(31, 10_000_000, odd=9), LONG),
    "anomalies_twenty_years": _case("anomalies", lambda: anomalies(7305, 140)),
    "hotspots_nothing": _case("hotspots", lambda: _NO_HOTSPOTS, CAPTION, everywhere),
    "hotspots_one": _case("hotspots", lambda: hotspots(1, 1)),
    "hotspots_in_one_cell": _case("hotspots", lambda: hotspots(40, 10_000_000, spread=0.0), LONG, everywhere),
    "hotspots_outside": _case("hotspots", _outside, CAPTION, everywhere),
    "hotspots_hundreds": _case("hotspots", lambda: hotspots(300, 9000), CAPTION, everywhere),
    "hotspots_on_blank_ground": _case("hotspots", lambda: hotspots(3, 5), CAPTION, _nowhere),
}  # fmt: skip
CASES = ORDINARY | EXTREMES


@cache
def png_of(name: str) -> bytes:
    """A case as PNG, drawn once a process."""
    return CASES[name].draw().png()


@cache
def svg_of(name: str) -> bytes:
    """A case as SVG, drawn once a process."""
    return CASES[name].draw().svg()
