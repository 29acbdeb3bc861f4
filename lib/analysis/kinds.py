"""What incidents are: how often each issue comes, and how long each stays on the feed. They only read."""

from typing import Annotated, TypedDict

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import Field

from lib.analysis.pictures import KEPT, Pictures
from lib.arrays import Floats, Mask
from lib.columns import Coded
from lib.errors import InvalidInput
from lib.filters import EVERYTHING, Filters
from lib.operations import operation
from lib.selection import Rows


class Issue(TypedDict):
    """One kind of incident: its count, share of all, incidents a day, first and last local day."""

    issue: str
    incident_count: int
    share: float
    per_day: float | None
    first: str | None
    last: str | None


class IssueBreakdown(TypedDict):
    incident_count: int
    days: int
    without_issue: int
    issues: list[Issue]


class TimeOfAll(TypedDict):
    incident_count: int
    median_minutes: float | None
    p90_minutes: float | None


class TimeOfIssue(TypedDict):
    issue: str
    incident_count: int
    median_minutes: float | None
    p90_minutes: float | None


class LeftOut(TypedDict):
    """Incidents that have no such time, each counted once, under the first reason that holds."""

    active: int
    no_start: int
    no_end: int
    ends_before_it_starts: int
    too_long: int


class TimeOnFeed(TypedDict):
    incident_count: int
    all: TimeOfAll
    issues: list[TimeOfIssue]
    left_out: LeftOut


@operation(title="Issues", example={"start": "2023-01-01", "end": "2023-12-31"})
def issue_breakdown(df: pd.DataFrame, where: Filters = EVERYTHING, look: Pictures = KEPT) -> IssueBreakdown:
    """How often each kind of incident comes, the most frequent first, with its share, its daily rate, first and last day."""
    rows = where.rows(df)
    issues, days = rows.coded("issue"), rows.days
    totals, per_day = issues.counts(), rows.per_day(issues)
    found: list[Issue] = []
    for code in np.flatnonzero(totals):
        active = np.flatnonzero(per_day[code])
        found.append(
            {
                "issue": issues.values[int(code)].as_py(),
                "incident_count": int(totals[code]),
                "share": round(int(totals[code]) / rows.count, 5),
                "per_day": round(int(totals[code]) / days.size, 3) if days.size else None,
                "first": str(days[active[0]]) if active.size else None,
                "last": str(days[active[-1]]) if active.size else None,
            }
        )
    result: IssueBreakdown = {
        "incident_count": rows.count,
        "days": int(days.size),
        "without_issue": rows.count - int(totals.sum()),
        "issues": sorted(found, key=lambda each: (-each["incident_count"], each["issue"])),
    }
    look.keep("issue_breakdown", result, df, where)
    return result


@operation(title="Time on the feed", example={"start": "2023-01-01", "end": "2023-12-31"})
def time_on_feed(
    df: pd.DataFrame,
    longest_hours: Annotated[
        float, Field(gt=0, le=10_000, description="What stays longer is taken for a fault of the feed.")
    ] = 72,
    where: Filters = EVERYTHING,
    look: Pictures = KEPT,
) -> TimeOnFeed:
    """How many minutes incidents stayed on the feed: median and 90th percentile, of all and by issue.

    It is the time from Published Date to Status Date of incidents that have left the feed. That is not a response time: the
    city takes a snapshot every five minutes, and an incident leaves the feed when its record is closed. What is still ACTIVE,
    has no end, ends before it starts, or stays longer than `longest_hours` is left out and counted. Percentiles between two
    incidents are interpolated linearly.
    """
    rows = where.rows(df)
    minutes, left_out = _minutes(rows, longest_hours)
    issues = rows.coded("issue")
    known = np.isfinite(minutes)
    order = np.argsort(issues.codes[known], kind="stable")
    codes, times = issues.codes[known][order], minutes[known][order]
    edges = np.searchsorted(codes, np.arange(len(issues.values) + 1))
    by_issue: list[TimeOfIssue] = [
        {"issue": issues.values[code].as_py(), **_times(times[edges[code] : edges[code + 1]])}
        for code in range(len(issues.values))
        if edges[code] < edges[code + 1]
    ]
    result: TimeOnFeed = {
        "incident_count": rows.count,
        "all": _times(minutes[known]),
        "issues": sorted(by_issue, key=lambda each: (-each["incident_count"], each["issue"])),
        "left_out": left_out,
    }
    look.keep("time_on_feed", result, df, where)
    return result


def _minutes(rows: Rows, longest_hours: float) -> tuple[Floats, LeftOut]:
    """Minutes on the feed, NaN for what is left out, and how many that are."""
    start, end = (_seconds(rows.array(name)) for name in ("published", "status_date"))
    status = rows.coded("status")
    minutes = (end - start) / 60
    none = np.zeros(rows.count, dtype=bool)
    reasons = {
        "active": _is(status, "ACTIVE"),
        "no_start": np.isnan(start),
        "no_end": np.isnan(end),
        "ends_before_it_starts": np.nan_to_num(minutes) < 0,
        "too_long": np.nan_to_num(minutes) > longest_hours * 60,
    }
    counts = {}
    for reason, mask in reasons.items():
        counts[reason] = int(np.count_nonzero(mask & ~none))
        none |= mask
    return np.where(none, np.nan, minutes), LeftOut(**counts)  # type: ignore[typeddict-item]


def _is(labels: Coded, wanted: str) -> Mask:
    codes = [code for code, label in enumerate(labels.values.to_pylist()) if label.upper() == wanted]
    return np.isin(labels.codes, codes)


def _seconds(instants: pa.Array) -> Floats:
    """Seconds since 1970, NaN where there is none."""
    if not pa.types.is_timestamp(instants.type):
        raise InvalidInput("data", "the data has no instants for when an incident appeared and left")
    return np.asarray(instants.cast(pa.timestamp("us", instants.type.tz)).cast(pa.int64()).cast(pa.float64(), safe=False)
                      .to_numpy(zero_copy_only=False)) / 1e6  # fmt: skip


def _times(minutes: Floats) -> TimeOfAll:
    if not minutes.size:
        return {"incident_count": 0, "median_minutes": None, "p90_minutes": None}
    median, p90 = np.percentile(minutes, [50, 90])
    return {"incident_count": int(minutes.size), "median_minutes": round(float(median), 2), "p90_minutes": round(float(p90), 2)}
