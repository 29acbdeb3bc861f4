"""What there is: `describe` sums the data up, and `print`, the course's smallest job, says a message. They only read."""

from typing import Annotated, Any, TypedDict

import numpy as np
import pandas as pd
from pydantic import Field

from lib.analysis.ranking import Counts, top
from lib.columns import COURSE_NAMES, arrow
from lib.context import log
from lib.filters import EVERYTHING, Where
from lib.operations import operation
from lib.periods import Day
from lib.selection import Rows


class BusiestDay(TypedDict):
    date: str
    incident_count: int


class Description(TypedDict):
    """What the data holds. `days` counts the days with an incident, `missing` rows without a value by column."""

    start: str | None
    end: str | None
    timezone: str | None
    incident_count: int
    first: str | None
    last: str | None
    days: int
    per_day: float | None
    busiest_day: BusiestDay | None
    issues: Counts
    missing: Counts


@operation(title="Describe", example={"start": "2023-01-01", "end": "2023-12-31"})
def describe(
    df: pd.DataFrame,
    start: Annotated[Day | None, Field(description="First local day, such as 2023-01-01.")] = None,
    end: Annotated[Day | None, Field(description="Last local day, such as 2023-12-31.")] = None,
    where: Where = EVERYTHING,
) -> Description:
    """What the data holds between two local days: counts, first and last, by issue, and what is missing."""
    rows = where.whenever(df).during(start, end)
    dates = rows.dates
    per_day = dates.counts()
    days = [day for day, count in zip(dates.values.to_pylist(), per_day, strict=True) if count]
    return {
        "start": rows.start,
        "end": rows.end,
        "timezone": rows.timezone,
        "incident_count": rows.count,
        "first": min(days, default=None),
        "last": max(days, default=None),
        "days": len(days),
        "per_day": round(int(per_day.sum()) / len(days), 2) if days else None,
        "busiest_day": {"date": dates.values[int(per_day.argmax())].as_py(), "incident_count": int(per_day.max())}
        if days
        else None,
        "issues": top(rows.coded("issue")),
        "missing": _missing(rows),
    }


@operation(name="print", title="Print a message", needs_data=False, example={"msg": "Hello"})
def print_message(msg: Annotated[str, Field(max_length=10_000, description="What to print.")]) -> dict[str, Any]:
    """Write a message to the job's log and return it."""
    log(msg)
    return {"msg": msg}


def _missing(rows: Rows) -> Counts:
    """Rows without a value, for the columns in which there are any."""
    counts = {}
    for name in rows.df.columns:
        if name in COURSE_NAMES and COURSE_NAMES[name] in rows.df.columns:
            continue  # the same column under the course's name
        array = arrow(rows.df[name])
        if array.null_count:
            absent = array.is_null().to_numpy(zero_copy_only=False)
            counts[str(name)] = int(np.count_nonzero(absent if rows.mask is None else absent & rows.mask))
    return {name: count for name, count in counts.items() if count}
