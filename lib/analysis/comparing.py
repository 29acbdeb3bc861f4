"""Two periods beside each other: did incidents become more or fewer, and is that more than days differ anyway? It only reads."""

from typing import Annotated, TypedDict

import numpy as np
import pandas as pd
from pydantic import Field

from lib.analysis.rates import RateRatio, holm, rate_ratio
from lib.arrays import Days, Integers
from lib.dates import weekday_of
from lib.filters import EVERYTHING, Where
from lib.operations import operation
from lib.periods import Day
from lib.selection import Rows

LEVEL = 0.05
FEWEST_DAYS = 7
FEWEST_INCIDENTS = 10  # of an issue in both periods, below which nothing is said of it


class PeriodRate(TypedDict):
    """`days` are those of the period that the data covers."""

    start: str
    end: str
    days: int
    incident_count: int
    per_day: float | None


class Change(TypedDict):
    """How the daily rate changed: after / before, days of the week alike. None where nothing can be said."""

    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    p_value: float | None
    significant: bool | None


class ChangeOfIssue(TypedDict):
    issue: str
    before: int
    after: int
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    p_value: float | None
    significant: bool | None


class Comparison(Change):
    timezone: str | None
    before: PeriodRate
    after: PeriodRate
    dispersion: float | None
    statement: str
    issues: list[ChangeOfIssue]


_EXAMPLE = {"before_start": "2022-01-01", "before_end": "2022-12-31", "after_start": "2023-01-01", "after_end": "2023-12-31"}


@operation(title="Compare two periods", example=_EXAMPLE)
def compare(
    df: pd.DataFrame,
    before_start: Annotated[Day, Field(description="First local day of the earlier period.")],
    before_end: Annotated[Day, Field(description="Its last day.")],
    after_start: Annotated[Day, Field(description="First local day of the later period.")],
    after_end: Annotated[Day, Field(description="Its last day.")],
    where: Where = EVERYTHING,
) -> Comparison:
    """Whether incidents became more or fewer from one period to the other, of all and by issue, with a significance test.

    The numbers of incidents of single days are compared by a quasi-Poisson rate ratio with the days of the week as strata
    (Wald test on the logarithm, Student's t): counts of days vary more than chance alone would have it, and by how much
    (`dispersion`) is learned from them, at least 1. `ratio_low` and `ratio_high` are its 95 % interval. p-values of the
    issues are corrected by Holm for their number. Days are taken as independent: what lasts for weeks, such as weather or a
    change in how the city records, is seen as a change of the rate.
    """
    rows = where.whenever(df)
    first, second = rows.during(before_start, before_end), rows.during(after_start, after_end)
    before, after = first.per_day(), second.per_day()
    overlap = bool(np.isin(first.days, second.days).any())
    found = RateRatio.unknown() if overlap else _tested(first.days, before, second.days, after)
    periods = _period(first, before), _period(second, after)
    return {
        "timezone": first.timezone,
        "before": periods[0],
        "after": periods[1],
        **_change(found, found.p_value),
        "dispersion": None if found.dispersion is None else round(found.dispersion, 2),
        "statement": _statement(*periods, found, overlap),
        "issues": [] if overlap else _issues(first, second),
    }


def _tested(before_days: Days, before: Integers, after_days: Days, after: Integers) -> RateRatio:
    if min(before_days.size, after_days.size) < FEWEST_DAYS:
        return RateRatio.unknown()
    return rate_ratio(before, weekday_of(before_days), after, weekday_of(after_days))


def _period(rows: Rows, counts: Integers) -> PeriodRate:
    total, days = int(counts.sum()), int(rows.days.size)
    return {"start": str(rows.start), "end": str(rows.end), "days": days, "incident_count": total,
            "per_day": round(total / days, 2) if days else None}  # fmt: skip


def _change(found: RateRatio, p_value: float | None) -> Change:
    def short(value: float | None) -> float | None:
        return None if value is None else round(value, 4)

    return {
        "ratio": short(found.ratio),
        "ratio_low": short(found.low),
        "ratio_high": short(found.high),
        "p_value": None if p_value is None else float(f"{p_value:.3g}"),
        "significant": None if p_value is None else p_value < LEVEL,
    }


def _issues(first: Rows, second: Rows) -> list[ChangeOfIssue]:
    """The change of every issue that either period has, the most frequent first."""
    labels = first.coded("issue")
    before, after = first.per_day(labels), second.per_day(second.coded("issue"))
    totals = before.sum(axis=1) + after.sum(axis=1)
    codes = [int(code) for code in np.lexsort((np.arange(totals.size), -totals)) if totals[code]]
    found = [
        _tested(first.days, before[code], second.days, after[code]) if totals[code] >= FEWEST_INCIDENTS else RateRatio.unknown()
        for code in codes
    ]
    corrected = holm([each.p_value for each in found])
    return [
        {"issue": labels.values[code].as_py(), "before": int(before[code].sum()), "after": int(after[code].sum()),
         **_change(ratio, p_value)}
        for code, ratio, p_value in zip(codes, found, corrected, strict=True)
    ]  # fmt: skip


def _statement(before: PeriodRate, after: PeriodRate, found: RateRatio, overlap: bool) -> str:
    if overlap:
        return "The periods have days in common; nothing can be said of a change between them."
    for name, period in (("first", before), ("second", after)):
        if not period["days"]:
            return f"The data has no day of the {name} period."
    for name, one, other in (("first", before, after), ("second", after, before)):
        if not one["incident_count"] and other["incident_count"]:
            return (
                f"The {name} period has no incident and the other has {other['incident_count']:,}: there is no ratio of the two."
            )
    if found.ratio is None or found.p_value is None or found.low is None or found.high is None:
        return "There are too few days or incidents to say whether that is more than chance."
    percent = f"{abs(found.ratio - 1) * 100:.1f}"
    change = f"{percent} % {'more' if found.ratio > 1 else 'fewer'} incidents a day than before"
    if percent == "0.0":
        change = "As many incidents a day as before"
    interval = f"95 % interval {(found.low - 1) * 100:+.1f} to {(found.high - 1) * 100:+.1f} %"
    chance = "p < 0.0001" if found.p_value < 0.0001 else f"p = {found.p_value:.4f}"
    verdict = "more than days differ anyway" if found.p_value < LEVEL else "no more than days differ anyway"
    return f"{change} ({interval}); that is {verdict} ({chance})."
