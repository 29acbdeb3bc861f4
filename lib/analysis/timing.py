"""When incidents happen: over the years, by hour, by day of the week, and both together. They only read.

Days and hours are local. Rates divide by the days that the data covers, those without an incident included.
"""

import datetime
from typing import Annotated, Any, Literal, TypedDict

import numpy as np
import pandas as pd
from pydantic import Field

from lib.analysis.pictures import KEPT, Pictures
from lib.analysis.seasons import Seasonal, seasonal
from lib.arrays import Days, Integers, Mask
from lib.context import save_file
from lib.csv_text import csv_bytes
from lib.dates import weekday_of
from lib.filters import EVERYTHING, Filters
from lib.operations import operation
from lib.selection import Rows

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June",
          "July", "August", "September", "October", "November", "December")  # fmt: skip
Step = Literal["day", "week", "month", "year"]
# How many steps make a season, and over how many the level is taken, the season apart.
SEASONS: dict[Step, tuple[int, int]] = {"day": (7, 29), "week": (52, 13), "month": (12, 13)}
UNITS = {"day": "datetime64[D]", "month": "datetime64[M]", "year": "datetime64[Y]"}


class Bin(TypedDict):
    """Incidents of one step of time. `baseline` is what the level around and the season make likely, None where unknown."""

    period: str
    incident_count: int
    baseline: float | None
    complete: bool


class Season(TypedDict):
    """How much one position of the season lies above (1.2: by 20 %) or below the level."""

    position: str
    factor: float


class Trend(TypedDict):
    by: str
    timezone: str | None
    start: str | None
    end: str | None
    incident_count: int
    bins: list[Bin]
    season: list[Season]


class Hour(TypedDict):
    hour: int
    incident_count: int
    per_day: float | None


class ByHour(TypedDict):
    timezone: str | None
    incident_count: int
    days: int
    without_time: int
    hours: list[Hour]


class Weekday(TypedDict):
    weekday: str
    incident_count: int
    days: int
    per_day: float | None


class ByWeekday(TypedDict):
    timezone: str | None
    incident_count: int
    days: int
    without_day: int
    weekdays: list[Weekday]


class Heatmap(TypedDict):
    """`counts` and `per_hour` have a line of 24 numbers for each day of the week; `days` says how many such days there were."""

    timezone: str | None
    incident_count: int
    without_time: int
    weekdays: list[str]
    days: list[int]
    counts: list[list[int]]
    per_hour: list[list[float | None]]


@operation(title="Trend", example={"by": "month"})
def trend(
    df: pd.DataFrame,
    by: Annotated[Step, Field(description="The steps of time that are counted.")] = "month",
    where: Filters = EVERYTHING,
    look: Pictures = KEPT,
) -> Trend:
    """Incidents by day, week, month or year, beside a baseline of what the season and the level around make likely.

    The baseline is a classical multiplicative decomposition: the level is a centred moving average, the season's factors are
    the medians of count / level at each position (day of the week, week or month of the year), scaled to a mean of 1. It
    wants two whole seasons; before that every factor is 1. Years have none. Steps that the period or the data cut are marked
    as not complete and teach the baseline nothing; of single days these are the first and the last of the data.
    """
    result = trend_of(where.rows(df), by)
    look.keep("trend", result, df, where)
    return result


def trend_of(rows: Rows, by: Step) -> Trend:
    """What `trend` says of some rows."""
    days, counts = rows.days, rows.per_day()
    labels, which, positions = _steps(days, by)
    sums = np.bincount(which, counts, len(labels)).astype(np.int64) if days.size else np.zeros(0, np.int64)
    whole = _complete(rows, days, which, by)
    found = seasonal(sums.astype(float), positions, whole, *SEASONS[by]) if by in SEASONS else Seasonal.none(sums.size)
    bins: list[Bin] = [
        {
            "period": label,
            "incident_count": int(count),
            "baseline": round(float(base), 2) if np.isfinite(base) else None,
            "complete": bool(full),
        }
        for label, count, base, full in zip(labels, sums, found.baseline, whole, strict=True)
    ]
    names = {"day": WEEKDAYS, "month": MONTHS}.get(by) or [f"week {n}" for n in range(1, 53)]
    season: list[Season] = [
        {"position": name, "factor": round(float(factor), 4)} for name, factor in zip(names, found.factors, strict=False)
    ]
    return {
        "by": by,
        "timezone": rows.timezone,
        "start": str(days[0]) if days.size else None,
        "end": str(days[-1]) if days.size else None,
        "incident_count": int(counts.sum()),
        "bins": bins,
        "season": season,
    }


def _steps(days: Days, by: Step) -> tuple[list[str], Integers, Integers]:
    """Names of the steps in order, the step of each day, and the position of each step within its season."""
    if not days.size:
        return [], np.zeros(0, np.int64), np.zeros(0, np.int64)
    if by == "week":
        starts, which = np.unique((days.astype(np.int64) + 3) // 7, return_inverse=True)
        dates = [datetime.date(1970, 1, 1) + datetime.timedelta(days=int(week) * 7 - 3) for week in starts]
        years = [date.isocalendar() for date in dates]
        return [f"{each.year}-W{each.week:02d}" for each in years], which, np.array([min(each.week, 52) - 1 for each in years])
    found, which = np.unique(days.astype(UNITS[by]), return_inverse=True)
    positions = weekday_of(found) if by == "day" else found.astype(np.int64) % 12
    return [str(each) for each in found], which, positions


def _complete(rows: Rows, days: Days, which: Integers, by: Step) -> Mask:
    """Which steps the period and the data cover to their ends."""
    if not days.size or rows.data_days is None:
        return np.zeros(0, bool)
    whole = np.ones(int(which[-1]) + 1, bool)
    if by == "day":
        first, last = rows.data_days
        return np.asarray(whole & (days != first) & (days != last))
    before, after = _steps(np.array([days[0] - 1, days[0]]), by)[0], _steps(np.array([days[-1], days[-1] + 1]), by)[0]
    whole[0] = len(before) == 2  # the day before lies in another step
    whole[-1] &= len(after) == 2
    return whole


@operation(title="By hour", example={"start": "2023-01-01", "end": "2023-12-31"})
def by_hour(df: pd.DataFrame, where: Filters = EVERYTHING, look: Pictures = KEPT) -> ByHour:
    """Incidents by local hour of the day, and how many that makes on a day.

    Rows that have a day and no time are counted apart.
    """
    rows = where.rows(df)
    counts = np.bincount(rows.hours + 1, minlength=25)
    days = int(rows.days.size)
    hours: list[Hour] = [
        {"hour": hour, "incident_count": int(counts[hour + 1]), "per_day": _rate(counts[hour + 1], days)} for hour in range(24)
    ]
    result: ByHour = {
        "timezone": rows.timezone,
        "incident_count": rows.count,
        "days": days,
        "without_time": int(counts[0]),
        "hours": hours,
    }
    look.keep("by_hour", result, df, where)
    return result


@operation(title="By day of the week", example={"start": "2023-01-01", "end": "2023-12-31"})
def by_weekday(df: pd.DataFrame, where: Filters = EVERYTHING, look: Pictures = KEPT) -> ByWeekday:
    """Incidents by local day of the week, and how many that makes on such a day.

    Rows that have no day are counted apart.
    """
    rows = where.rows(df)
    counts, days = np.bincount(rows.weekdays + 1, minlength=8), _weekdays_of(rows.days)
    weekdays: list[Weekday] = [
        {"weekday": name, "incident_count": int(count), "days": int(n), "per_day": _rate(count, n)}
        for name, count, n in zip(WEEKDAYS, counts[1:], days, strict=True)
    ]
    result: ByWeekday = {
        "timezone": rows.timezone,
        "incident_count": rows.count,
        "days": int(days.sum()),
        "without_day": int(counts[0]),
        "weekdays": weekdays,
    }
    look.keep("by_weekday", result, df, where)
    return result


@operation(title="Heatmap", example={"start": "2023-01-01", "end": "2023-12-31"})
def heatmap(df: pd.DataFrame, where: Filters = EVERYTHING, look: Pictures = KEPT) -> Heatmap:
    """Incidents by local day of the week and hour of the day, and how many that makes in such an hour.

    On the two days a year when clocks change, one hour is missing or there twice; rates take no account of that.
    """
    rows = where.rows(df)
    weekdays, hours = rows.weekdays, rows.hours
    timed = (hours >= 0) & (weekdays >= 0)
    counts = np.bincount(weekdays[timed].astype(np.int64) * 24 + hours[timed], minlength=168).reshape(7, 24)
    days = _weekdays_of(rows.days)
    per_hour = [[_rate(count, n) for count in line] for line, n in zip(counts, days, strict=True)]
    result: Heatmap = {
        "timezone": rows.timezone,
        "incident_count": rows.count,
        "without_time": int(np.count_nonzero(~timed)),
        "weekdays": list(WEEKDAYS),
        "days": days.tolist(),
        "counts": counts.tolist(),
        "per_hour": per_hour,
    }
    save_file("heatmap.csv", lambda: _heatmap_csv(result), "text/csv")
    look.keep("heatmap", result, df, where)
    return result


def _heatmap_csv(result: Heatmap) -> bytes:
    """A line for each hour of the week."""
    lines: list[list[Any]] = [["weekday", "hour", "days", "incident_count", "per_hour"]]
    for n, name in enumerate(result["weekdays"]):
        days, counts, rates = result["days"][n], result["counts"][n], result["per_hour"][n]
        lines += [[name, hour, days, counts[hour], rates[hour]] for hour in range(24)]
    return csv_bytes(lines)


def _weekdays_of(days: Days) -> Integers:
    """How many of the days are a Monday, a Tuesday, and so on."""
    return np.bincount(weekday_of(days), minlength=7)


def _rate(count: Any, days: Any) -> float | None:
    return round(int(count) / int(days), 3) if days else None
