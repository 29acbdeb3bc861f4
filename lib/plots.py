"""The `plot` operation: one picture of the incidents, chosen by its kind, with the numbers that are drawn beside it.

The numbers are those of the operation that a kind stands for, and `lib.pictures` draws them. The files are staged with the
job; a run that crashes leaves none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self, TypedDict

import pandas as pd
from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from lib.analysis.areas import hotspots
from lib.analysis.kinds import issue_breakdown
from lib.analysis.pictures import KEPT, Pictures
from lib.analysis.timing import Step, by_hour, by_weekday, heatmap, trend_of
from lib.filters import EVERYTHING, Filters
from lib.operations import operation
from lib.periods import Day, ordered
from lib.selection import Rows

Kind = Literal["by_day", "by_month", "by_weekday", "by_hour", "by_issue", "trend", "heatmap", "map"]
NUMBERS_ALONE = Pictures(pictures=[])
# Up to so many days a trend is by day or by week; beyond, by month.
BY_DAY, BY_WEEK = 92, 1100
_GIVEN: JsonDict = {"type": "string"}


class PlotParams(Pictures, Filters):
    # What `_one_way` checks, as a schema says it.
    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "properties": {"date": _GIVEN},
                "required": ["date"],
                "anyOf": [{"properties": {name: _GIVEN}, "required": [name]} for name in ("start", "end")],
            }
        }
    )

    kind: Kind | None = Field(None, description="What to draw; incidents by hour where one date is given, else by day.")
    date: Day | None = Field(None, description="One local day, instead of start and end.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.date and (self.start or self.end):
            raise ValueError("give a date, or start and end, not both")
        return self


class Plot(TypedDict):
    """What was drawn: `counts` has a number of incidents for each of `labels`."""

    file: str | None
    kind: str
    start: str | None
    end: str | None
    incident_count: int
    labels: list[str]
    counts: list[int]


@dataclass(frozen=True)
class Drawn:
    """A picture's kind, the result that it draws, and the numbers in it."""

    picture: str
    result: Any
    labels: list[str]
    counts: list[int]


@operation(params=PlotParams, title="Plot", example={"kind": "by_hour", "start": "2023-01-01", "end": "2023-12-31"})
def plot(
    df: pd.DataFrame,
    kind: Kind | None = None,
    date: str | None = None,
    where: Filters = EVERYTHING,
    look: Pictures = KEPT,
) -> Plot:
    """Draw incidents by day, month, day of the week, hour or kind, their trend, the hours of the week, or a map of hotspots.

    The result names the file and repeats the numbers drawn. Days and hours are local. A trend is by day, week or month,
    whichever suits the period.
    """
    shown: Kind = kind or ("by_hour" if date else "by_day")
    if date:
        where = where.model_copy(update={"start": date, "end": date})
    drawn = _KINDS[shown](df, where)
    look.keep(drawn.picture, drawn.result, df, where, name="plot")
    start, end = ordered(where.start, where.end)
    return {
        "file": f"plot.{look.pictures[0]}" if look.pictures else None,
        "kind": shown,
        "start": start,
        "end": end,
        "incident_count": drawn.result["incident_count"],
        "labels": drawn.labels,
        "counts": drawn.counts,
    }


def _over_time(rows: Rows, by: Step) -> Drawn:
    found = trend_of(rows, by)
    return Drawn("trend", found, [each["period"] for each in found["bins"]], [each["incident_count"] for each in found["bins"]])


def _trend(df: pd.DataFrame, where: Filters) -> Drawn:
    rows = where.rows(df)
    days = rows.days.size
    return _over_time(rows, "day" if days <= BY_DAY else "week" if days <= BY_WEEK else "month")


def _by_weekday(df: pd.DataFrame, where: Filters) -> Drawn:
    found = by_weekday(df, where, NUMBERS_ALONE)
    entries = found["weekdays"]
    return Drawn("by_weekday", found, [each["weekday"] for each in entries], [each["incident_count"] for each in entries])


def _by_hour(df: pd.DataFrame, where: Filters) -> Drawn:
    found = by_hour(df, where, NUMBERS_ALONE)
    return Drawn("by_hour", found, [f"{each['hour']:02d}" for each in found["hours"]],
                 [each["incident_count"] for each in found["hours"]])  # fmt: skip


def _by_issue(df: pd.DataFrame, where: Filters) -> Drawn:
    found = issue_breakdown(df, where, NUMBERS_ALONE)
    return Drawn("issue_breakdown", found, [each["issue"] for each in found["issues"]],
                 [each["incident_count"] for each in found["issues"]])  # fmt: skip


def _heatmap(df: pd.DataFrame, where: Filters) -> Drawn:
    found = heatmap(df, where, NUMBERS_ALONE)
    labels = [f"{name} {hour:02d}" for name in found["weekdays"] for hour in range(24)]
    return Drawn("heatmap", found, labels, [count for line in found["counts"] for count in line])


def _map(df: pd.DataFrame, where: Filters) -> Drawn:
    found = hotspots(df, where=where, look=NUMBERS_ALONE)
    labels = [f"{each['latitude']:.6f},{each['longitude']:.6f}" for each in found["hotspots"]]
    return Drawn("hotspots", found, labels, [each["incident_count"] for each in found["hotspots"]])


_KINDS: dict[Kind, Callable[[pd.DataFrame, Filters], Drawn]] = {
    "by_day": lambda df, where: _over_time(where.rows(df), "day"),
    "by_month": lambda df, where: _over_time(where.rows(df), "month"),
    "by_weekday": _by_weekday,
    "by_hour": _by_hour,
    "by_issue": _by_issue,
    "trend": _trend,
    "heatmap": _heatmap,
    "map": _map,
}
