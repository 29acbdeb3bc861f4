"""Bins of time on an axis: where each begins and ends, and which dates are written below.

Places are days counted as `date.toordinal` does, so that no setting of matplotlib's dates matters. Pure functions.
"""

import datetime
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lib.pictures.style import EDGE
from lib.pictures.words import width

Date = datetime.date
Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
GAP = 14.0
"""Least free space between two labels, in points."""


@dataclass(frozen=True)
class Tick:
    """A date below an axis; `year` stands in a second line where it begins or changes."""

    place: float
    text: str
    year: str = ""


def edges(by: str, periods: list[str]) -> tuple[Numbers, Numbers]:
    """Where the bins begin and end: `2023-01-31`, `2023-W05`, `2023-01` or `2023` by day, week, month or year."""
    days = [first_day(by, period) for period in periods]
    starts = np.array([day.toordinal() for day in days], dtype=np.float64)
    ends = np.array([_next(by, day).toordinal() for day in days], dtype=np.float64)
    return starts, ends


def first_day(by: str, period: str) -> Date:
    """The first day of a period."""
    if by == "week":
        year, week = period.split("-W")
        return Date.fromisocalendar(int(year), int(week), 1)
    return Date.fromisoformat(period + {"day": "", "month": "-01", "year": "-01-01"}[by])


def _next(by: str, day: Date) -> Date:
    if by == "year":
        return Date(day.year + 1, 1, 1)
    if by == "month":
        return Date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return day + datetime.timedelta(days=7 if by == "week" else 1)


def ticks(by: str, first: float, last: float, room: float, middle: bool) -> list[Tick]:
    """The closest dates that fit below an axis.

    Args:
        by: the bins: day, week, month or year.
        first: where the first bin begins.
        last: where the last one ends.
        room: the length of the axis in points.
        middle: a date stands in the middle of its bin, not where it begins.
    """
    begin, end = Date.fromordinal(int(first)), Date.fromordinal(int(last))
    found: list[Tick] = []
    for unit, step in _choices(by):
        texts = list(itertools.islice(_texts(unit, step, begin, end), 60))
        shift = {"day": 0.5, "week": 3.5, "month": 15.0, "year": 182.5}[by] if middle else 0.0
        found = [Tick(day.toordinal() + shift, *text) for day, text in texts]
        widest = max((max(width(tick.text), width(tick.year)) for tick in found), default=0.0)
        closest = min((b.place - a.place for a, b in itertools.pairwise(found)), default=last - first)
        if len(found) < 60 and closest / (last - first) * room >= widest + GAP:
            break
    points = room / (last - first)
    return [tick for tick in found if (last - tick.place) * points + EDGE > width(tick.text) / 2]


def _choices(by: str) -> Iterator[tuple[str, int]]:
    """Units and steps from close to wide; bins of a month are never told apart by days."""
    if by in ("day", "week"):
        yield from (("day", step) for step in ((1, 2, 3, 7, 14) if by == "day" else (7, 14, 28)))
    if by != "year":
        yield from (("month", step) for step in (1, 2, 3, 6))
    yield from (("year", step) for step in (1, 2, 5, 10, 20, 50, 100, 1000))


def _texts(unit: str, step: int, begin: Date, end: Date) -> Iterator[tuple[Date, tuple[str, str]]]:
    """Each date with its label and, where it is the first or begins a year, the year."""
    shown = 0
    for day in _dates(unit, step, begin, end):
        year = str(day.year) if unit != "year" and day.year != shown else ""
        shown = day.year
        month = MONTHS[day.month - 1]
        yield day, ({"day": f"{month} {day.day}", "month": month, "year": str(day.year)}[unit], year)


def _dates(unit: str, step: int, begin: Date, end: Date) -> Iterator[Date]:
    if unit == "day":
        day = begin
        while day < end:
            yield day
            day += datetime.timedelta(days=step)
    elif unit == "month":
        for month in range(begin.year * 12 + begin.month - 1, end.year * 12 + end.month):
            day = Date(month // 12, month % 12 + 1, 1)
            if month % step == 0 and begin <= day < end:
                yield day
    else:
        for year in range(begin.year, end.year + 1):
            if year % step == 0 and begin <= Date(year, 1, 1) < end:
                yield Date(year, 1, 1)
