"""Results of each kind, all invented: the same call gives the same numbers.

Counts follow the season and the hours of a city's traffic.
"""

import datetime
import math
from functools import cache
from typing import Any

import numpy as np

from lib.pictures import Background

ZONE = "America/Chicago"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Result = dict[str, Any]


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
