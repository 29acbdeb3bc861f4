"""Days with far more or far fewer incidents than their neighbours: a robust band, which outliers do not widen. It only reads."""

from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import numpy as np
import pandas as pd
from pydantic import Field

from lib.analysis.pictures import KEPT, Pictures
from lib.analysis.timing import WEEKDAYS
from lib.arrays import Days, Floats
from lib.context import save_file
from lib.csv_text import csv_bytes
from lib.dates import weekday_of
from lib.filters import EVERYTHING, Filters
from lib.operations import operation

FEWEST = 4  # neighbours without which a day is not judged
MAD_TO_SIGMA = 1.4826  # of normal numbers


class JudgedDay(TypedDict):
    """A day and its band. `score` is how many robust standard deviations it lies above (below: negative) what is expected."""

    date: str
    weekday: str
    incident_count: int
    expected: float | None
    low: float | None
    high: float | None
    score: float | None
    anomaly: bool


class Anomalies(TypedDict):
    """`anomalies` are in the order of their scores, the furthest first."""

    timezone: str | None
    threshold: float
    weeks: int
    incident_count: int
    days_judged: int
    days_not_judged: int
    anomalies: list[JudgedDay]


@operation(title="Anomalies", example={"start": "2023-01-01", "end": "2023-12-31"})
def anomalies(
    df: pd.DataFrame,
    threshold: Annotated[
        float, Field(ge=1, le=100, description="Robust standard deviations from which on a day stands out.")
    ] = 3.5,
    weeks: Annotated[int, Field(ge=2, le=52, description="How many weeks before and after a day it is compared with.")] = 8,
    where: Filters = EVERYTHING,
    look: Pictures = KEPT,
) -> Anomalies:
    """Days whose number of incidents lies outside a robust band around the same weekdays before and after.

    Expected is the median of the same day of the week in the `weeks` before and after, the day itself left out. The band is
    `threshold` times 1.4826 MAD (median absolute deviation) wide on both sides, at least that of chance alone (the root of
    what is expected). 3.5 is the bound of Iglewicz and Hoaglin (1993). Days outside the period serve as neighbours too. The
    first and the last day of the data may be cut and are not judged, nor are days with fewer than 4 neighbours.

    Some days stand out by chance: with 50 incidents a day about one in three years where they come independently, and five
    a year where days vary three times as much (variance / mean). Days of few incidents, such as of a rare issue, more often.
    """
    whole = where.whenever(df)
    rows = whole.during(where.start, where.end)
    band = _band(whole.days, whole.per_day().astype(float), weeks, threshold)
    inside = np.isin(whole.days, rows.days)
    judged = [_judged(whole.days, band, int(place)) for place in np.flatnonzero(inside)]
    known = [day for day in judged if day["score"] is not None]
    result: Anomalies = {
        "timezone": rows.timezone,
        "threshold": threshold,
        "weeks": weeks,
        "incident_count": sum(day["incident_count"] for day in judged),
        "days_judged": len(known),
        "days_not_judged": len(judged) - len(known),
        "anomalies": sorted((day for day in known if day["anomaly"]), key=lambda day: (-abs(day["score"] or 0), day["date"])),
    }
    save_file(
        "anomalies.csv", lambda: csv_bytes([list(JudgedDay.__annotations__), *(day.values() for day in judged)]), "text/csv"
    )
    look.keep("anomalies", {**result, "days": judged}, df, where)
    return result


@dataclass(frozen=True)
class _Band:
    """One number for each day; NaN where it cannot be judged."""

    counts: Floats
    expected: Floats
    low: Floats
    high: Floats
    score: Floats
    threshold: float


def _band(days: Days, counts: Floats, weeks: int, threshold: float) -> _Band:
    expected, spread = np.full(days.size, np.nan), np.full(days.size, np.nan)
    learned = counts.copy()
    if days.size:
        learned[[0, -1]] = np.nan  # the data may begin and end in the middle of a day
    for weekday in range(min(7, days.size)):
        expected[weekday::7], spread[weekday::7] = _neighbours(learned[weekday::7], weeks)
    sigma = np.maximum(MAD_TO_SIGMA * spread, np.sqrt(np.maximum(expected, 1)))
    return _Band(
        counts,
        expected,
        np.maximum(expected - threshold * sigma, 0),
        expected + threshold * sigma,
        (learned - expected) / sigma,
        threshold,
    )


def _neighbours(series: Floats, weeks: int) -> tuple[Floats, Floats]:
    """Median and MAD of the `weeks` values on either side of each, itself left out; NaN where there are fewer than FEWEST."""
    padded = np.concatenate([np.full(weeks, np.nan), series, np.full(weeks, np.nan)])
    around: Any = np.lib.stride_tricks.sliding_window_view(padded, 2 * weeks + 1).copy()
    around[:, weeks] = np.nan
    enough = np.count_nonzero(np.isfinite(around), axis=1) >= FEWEST
    median, spread = np.full(series.size, np.nan), np.full(series.size, np.nan)
    if enough.any():
        median[enough] = np.nanmedian(around[enough], axis=1)
        spread[enough] = np.nanmedian(np.abs(around[enough] - median[enough, None]), axis=1)
    return median, spread


def _judged(days: Days, band: _Band, place: int) -> JudgedDay:
    score = float(band.score[place])
    known = bool(np.isfinite(score))
    expected, low, high = (round(float(each[place]), 2) if known else None for each in (band.expected, band.low, band.high))
    return {
        "date": str(days[place]),
        "weekday": WEEKDAYS[weekday_of(days[place])],
        "incident_count": int(band.counts[place]),
        "expected": expected,
        "low": low,
        "high": high,
        "score": round(score, 2) if known else None,
        "anomaly": known and abs(score) > band.threshold,
    }
