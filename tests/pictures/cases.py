"""Results to be drawn, all invented: an ordinary one of each kind, and the extremes of each.

`CASES` names them; the same call gives the same numbers. Counts follow the season and the hours of a city's traffic.
"""

import datetime
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lib.pictures import Background, Caption, Picture, draw

ZONE = "America/Chicago"
SOURCE = "City of Austin, Real-Time Traffic Incident Reports"
CAPTION = Caption("2023-01-01 to 2023-12-31", "", ZONE, SOURCE)
CHOSEN = Caption(
    "2023-01-01 to 2023-12-31", "Crash Urgent, road S CONGRESS, bbox 30.1,-97.9,30.5,-97.5, agency AUSTIN PD", ZONE, SOURCE
)
LONG = Caption(
    "all the data", "road " + "$x_1^2$ <script>alert('&')</script> " * 20 + "W" * 300, ZONE, SOURCE + " and others" * 20
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
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
Result = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A picture to be drawn; `make` gives kind, result, caption and background."""

    make: Callable[[], tuple[str, Result, Caption, Background | None]]

    def draw(self) -> Picture:
        return draw(*self.make())


def trend(by: str, count: int, level: float, *, first: str = "2022-12-01", cut: bool = True, baseline: bool = True) -> Result:
    """So many bins from `first` on; the last one, and the first where `cut`, not complete."""
    rng = np.random.default_rng(count)
    bins: list[Result] = []
    day = datetime.date.fromisoformat(first)
    for place in range(count):
        share = 0.4 if cut and place == count - 1 else 1.0
        usual = level * (1 + 0.15 * math.sin(day.timetuple().tm_yday / 58) + (0.2 if by == "day" and day.weekday() < 5 else 0))
        n = int(rng.normal(usual, usual * 0.08 + 0.1) * share)
        base = None if not baseline or place < count * 0.05 else round(usual, 1)
        bins.append({"period": _period(by, day), "incident_count": max(n, 0), "baseline": base, "complete": share == 1})
        day = _following(by, day)
    total = sum(entry["incident_count"] for entry in bins)
    return {"by": by, "timezone": ZONE, "start": first, "end": str(day), "incident_count": total, "bins": bins}


def _period(by: str, day: datetime.date) -> str:
    year, week, _ = day.isocalendar()
    return {"day": str(day), "week": f"{year}-W{week:02d}", "month": f"{day:%Y-%m}", "year": f"{day:%Y}"}[by]


def _following(by: str, day: datetime.date) -> datetime.date:
    if by == "year":
        return day.replace(year=day.year + 1)
    if by == "month":
        return (day.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)
    return day + datetime.timedelta(days=7 if by == "week" else 1)


def hours(total: int, days: int = 365, without_time: int = 0) -> Result:
    weights = np.array(
        [18, 15, 14, 9, 8, 12, 25, 45, 52, 45, 42, 46, 52, 55, 58, 66, 74, 80, 66, 50, 40, 35, 30, 24], dtype=float
    )
    counts = (total * weights / weights.sum()).astype(int)
    entries = [{"hour": hour, "incident_count": int(n), "per_day": n / days if days else None} for hour, n in enumerate(counts)]
    return {"timezone": ZONE, "incident_count": total, "days": days, "without_time": without_time, "hours": entries}


def weekdays(total: int, each: int = 52) -> Result:
    weights = np.array([14, 14.5, 14.8, 15, 16.2, 13.4, 12.1])
    counts = (total * weights / weights.sum()).astype(int)
    entries = [
        {"weekday": name, "incident_count": int(n), "days": each, "per_day": n / each}
        for name, n in zip(WEEKDAYS, counts, strict=True)
    ]  # fmt: skip
    return {"timezone": ZONE, "incident_count": total, "days": 7 * each, "weekdays": entries}


def heatmap(total: int, each: int = 52) -> Result:
    hourly = np.array([entry["incident_count"] for entry in hours(1_000_000)["hours"]])
    daily = np.array([1, 1.02, 1.03, 1.05, 1.15, 0.9, 0.8])
    weights = daily[:, None] * hourly[None, :]
    weights[5:] = 0.6 * np.roll(weights[5:], 3, axis=1) + 0.4 * weights[5:].mean()
    counts = (total * weights / weights.sum()).astype(int)
    means = [[float(n) / each if each else None for n in row] for row in counts]
    return {"timezone": ZONE, "incident_count": total, "without_time": 7, "weekdays": list(WEEKDAYS), "days": [each] * 7,
            "counts": counts.tolist(), "per_hour": means}  # fmt: skip


def issues(names: list[str], most: int) -> Result:
    counts = [max(1, int(most * 0.78**place)) for place in range(len(names))]
    entries = [
        {"issue": name, "incident_count": n, "share": n / sum(counts), "first": "2018-01-01", "last": "2024-12-31"}
        for name, n in zip(names, counts, strict=True)
    ]  # fmt: skip
    return {"incident_count": sum(counts), "issues": entries}


def on_feed(names: list[str], total: int) -> Result:
    entries = [
        {"issue": name, "incident_count": max(1, total // place),
         "median_minutes": 8.0 + 3.5 * place, "p90_minutes": 30.5 + 9 * place}
        for place, name in enumerate(names, 2)
    ]  # fmt: skip
    whole = {"incident_count": total, "median_minutes": 33.4, "p90_minutes": 96.2}
    return {
        "incident_count": total,
        "all": whole,
        "issues": entries,
        "left_out": {"active": 12, "no_status_date": 3, "negative": 0},
    }


def anomalies(count: int, level: float, *, odd: int = 40) -> Result:
    rng = np.random.default_rng(count)
    first = datetime.date(2023, 1, 1)
    days = []
    for place in range(count):
        day = first + datetime.timedelta(days=place)
        expected = level * (1 + 0.2 * math.sin(place / 58) + (0.15 if day.weekday() < 5 else 0))
        spread = 3 * math.sqrt(expected) + 0.2 * expected
        n = rng.normal(expected, spread / 4)
        if place % odd == odd // 2:
            n = expected + spread * (1.6 if (place // odd) % 3 else -1.3)
        n = max(0, round(n))
        low, high = expected - spread, expected + spread
        days.append({"date": str(day), "incident_count": n, "expected": expected, "low": low, "high": high,
                     "score": (n - expected) / spread * 3, "anomaly": not low <= n <= high})  # fmt: skip
    return {"timezone": ZONE, "incident_count": sum(day["incident_count"] for day in days), "days": days,
            "anomalies": [day for day in days if day["anomaly"]]}  # fmt: skip


STREETS = (
    "S Congress Ave & E Oltorf St",
    "N Lamar Blvd & W Rundberg Ln",
    "IH 35 Svrd Nb & E Riverside Dr",
    "9500 Burnet Rd",
    "E Sh 71 Svrd Eb & S Fm 973 Rd",
)


def hotspots(count: int, most: int, *, spread: float = 0.06, middle: tuple[float, float] = (30.30, -97.73)) -> Result:
    rng = np.random.default_rng(3)
    spots = [
        {"rank": place + 1, "latitude": float(rng.normal(middle[0], spread)),
         "longitude": float(rng.normal(middle[1], spread * 0.6)), "incident_count": max(1, int(most * 0.93**place)),
         "share": 0.01, "address": STREETS[place % 5], "issue": "Crash Urgent"}
        for place in range(count)
    ]  # fmt: skip
    return {"incident_count": most * 40, "located": most * 40 - 5, "cell_metres": 100, "hotspots": spots}


@cache
def everywhere(count: int = 432_500) -> Background:
    """Incidents along a few invented roads, some without a place."""
    rng = np.random.default_rng(7)
    road, along = rng.integers(0, 24, count), rng.beta(1.5, 1.5, count)
    angle = road * math.pi / 24 + 0.3
    reach = np.where(road % 3 == 0, 0.3, 0.16)
    latitude = 30.29 + (along - 0.5) * reach * np.sin(angle) * 1.3 + rng.normal(0, 0.004, count)
    longitude = -97.74 + (along - 0.5) * reach * np.cos(angle) + rng.normal(0, 0.004, count) + (road - 12) * 0.004
    latitude[::500] = longitude[::500] = np.nan
    return Background(latitude, longitude)


KINDS_OF_INCIDENT = [
    *("Traffic Hazard", "Crash Urgent", "Crash Service", "COLLISION", "TRFC HAZD/ DEBRIS", "LOOSE LIVESTOCK"),
    *("COLLISION WITH INJURY", "Stalled Vehicle", "COLLISN/ LVNG SCN", "Traffic Impediment", "VEHICLE FIRE"),
    *("BOAT ACCIDENT", "AUTO/ PED", "FLEET ACC/ INJURY", "ICY ROADWAY", "HIGH WATER"),
]
Made = tuple[str, Result, Caption, Background | None]


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
