"""The `plot` operation: counts of incidents drawn as a PNG, with the numbers beside it.

It draws with matplotlib's Figure and never with pyplot, so that no figure outlives its job or reaches another one. The
file is staged with the job; a run that crashes leaves none.
"""

import io
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator
from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from lib.columns import arrow, coded, column
from lib.context import save_file
from lib.dates import EARLIEST, LATEST
from lib.operations import operation
from lib.periods import Day, Period, in_period, ordered

Kind = Literal["by_day", "by_month", "by_weekday", "by_hour", "by_issue"]
FILE = "plot.png"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SIZE_INCHES, DPI = (10.0, 5.2), 120
INK, SOFT, GRID, BAR, LINE = "#1f2933", "#616e7c", "#e4e7eb", "#2f6f9f", "#c8502d"
MANY_DAYS, ROLLING_DAYS = 120, 28
TITLES = {
    "by_day": "by day",
    "by_month": "by month",
    "by_weekday": "by day of the week",
    "by_hour": "by hour of the day",
    "by_issue": "by kind",
}


_GIVEN: JsonDict = {"type": "string"}


class PlotParams(Period):
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

    kind: Kind | None = Field(None, description="What to count by; by hour where one date is given, else by day.")
    date: Day | None = Field(None, description="One local day, instead of start and end.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.date and (self.start or self.end):
            raise ValueError("give a date, or start and end, not both")
        return self


@dataclass
class Series:
    """What is drawn: one number for each label."""

    labels: list[str]
    counts: list[int]


@operation(params=PlotParams, title="Plot", example={"kind": "by_hour", "start": "2023-01-01", "end": "2023-12-31"})
def plot(
    df: pd.DataFrame, kind: Kind | None = None, start: str | None = None, end: str | None = None, date: str | None = None
) -> dict[str, Any]:
    """Draw the number of incidents by day, month, day of the week, hour or kind, as a PNG.

    The result names the file and repeats the numbers drawn. Days and hours are local.
    """
    shown: Kind = kind or ("by_hour" if date else "by_day")
    start, end = (date, date) if date else ordered(start, end)
    series = _counted(df, shown, start, end)
    save_file(FILE, draw(series, shown, start, end), "image/png")
    return {"file": FILE, "kind": shown, "start": start, "end": end, "incident_count": sum(series.counts),
            "labels": series.labels, "counts": series.counts}  # fmt: skip


def _counted(df: pd.DataFrame, kind: Kind, start: str | None, end: str | None) -> Series:
    mask = in_period(df, start, end)
    if kind in ("by_hour", "by_weekday"):
        values = arrow(column(df, kind.removeprefix("by_"))).fill_null(-1).to_numpy(zero_copy_only=False)
        values = values.astype(np.int64) if mask is None else values[mask].astype(np.int64)
        counts = np.bincount(values + 1, minlength=(24 if kind == "by_hour" else 7) + 1)[1:]
        return Series([f"{hour:02d}" for hour in range(24)] if kind == "by_hour" else list(WEEKDAYS), counts.tolist())
    if kind == "by_issue":
        issues = coded(df, "issue")
        pairs = zip(issues.counts(mask).tolist(), issues.values.to_pylist(), strict=True)
        ranked = sorted(((count, label) for count, label in pairs if count), key=lambda pair: (-pair[0], pair[1]))
        return Series([label for _, label in ranked], [count for count, _ in ranked])
    dates = coded(df, "date")
    per_day = pd.Series(dates.counts(mask), index=pd.PeriodIndex(dates.values.to_pylist(), freq="D")).sort_index()
    per_day = per_day[per_day > 0]
    # No incident lies outside EARLIEST to LATEST; a period of thousands of years is not drawn day by day.
    first, last = (max(start, EARLIEST) if start else None), (min(end, LATEST) if end else None)
    if len(per_day):
        first, last = first or str(per_day.index.min()), last or str(per_day.index.max())
    if first and last:
        per_day = per_day.reindex(pd.period_range(first, last, freq="D"), fill_value=0)  # a day without incidents is a zero
    if kind == "by_month":
        per_day = per_day.groupby(per_day.index.astype("period[M]")).sum()
    return Series([str(period) for period in per_day.index], per_day.tolist())


def draw(series: Series, kind: Kind, start: str | None, end: str | None) -> bytes:
    """The picture as PNG bytes."""
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, facecolor="white", layout=ConstrainedLayoutEngine(w_pad=0.2, h_pad=0.2))
    axes = figure.subplots()
    _style(axes, horizontal=kind == "by_issue")
    axes.set_title(f"Traffic incidents {TITLES[kind]}", loc="left", fontsize=15, fontweight="bold", color=INK, pad=26)
    axes.text(0, 1.03, _subtitle(series, start, end), transform=axes.transAxes, fontsize=10.5, color=SOFT)
    if not sum(series.counts):
        axes.text(0.5, 0.5, "No incidents in this period", transform=axes.transAxes, ha="center", fontsize=13, color=SOFT)
        axes.set_xticks([])
        axes.set_yticks([])
    elif kind == "by_issue":
        _draw_issues(axes, series)
    elif kind in ("by_day", "by_month"):
        _draw_time(axes, series, kind)
    else:
        _draw_bars(axes, series, kind)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": "trafficjobs"})
    return buffer.getvalue()


def _subtitle(series: Series, start: str | None, end: str | None) -> str:
    if start and start == end:
        when = start
    else:
        when = f"{start or 'the beginning'} to {end or 'the end'}" if start or end else "all the data"
    return f"City of Austin, {when}, local time. {sum(series.counts):,} incidents"


def _style(axes: Axes, horizontal: bool) -> None:
    for side in ("top", "right", "left") if not horizontal else ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.grid(axis="x" if horizontal else "y", color=GRID, linewidth=0.9)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=SOFT, labelsize=10)
    counted = axes.xaxis if horizontal else axes.yaxis
    counted.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    counted.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _draw_bars(axes: Axes, series: Series, kind: Kind) -> None:
    places = np.arange(len(series.counts))
    bars = axes.bar(places, series.counts, width=0.78, color=BAR)
    bars[int(np.argmax(series.counts))].set_color(LINE)
    axes.set_xticks(places, series.labels)
    axes.set_xlabel("Hour, local time" if kind == "by_hour" else "", color=SOFT)
    labels = [f"{count:,}" for count in series.counts]
    axes.bar_label(bars, labels, padding=3, fontsize=8 if kind == "by_hour" else 10, color=SOFT)
    axes.margins(x=0.01, y=0.08)


def _draw_issues(axes: Axes, series: Series) -> None:
    places = np.arange(len(series.counts))
    bars = axes.barh(places, series.counts, height=0.72, color=BAR)
    axes.set_yticks(places, series.labels, fontsize=9 if len(places) > 16 else 10, color=INK)
    axes.invert_yaxis()
    axes.bar_label(bars, [f"{count:,}" for count in series.counts], padding=4, fontsize=9, color=SOFT)
    axes.margins(x=0.09, y=0.01)


def _draw_time(axes: Axes, series: Series, kind: Kind) -> None:
    times = pd.PeriodIndex(series.labels, freq="M" if kind == "by_month" else "D").to_timestamp()
    counts = np.asarray(series.counts)
    if len(counts) <= MANY_DAYS:
        axes.bar(times, counts, width=22 if kind == "by_month" else 0.78, color=BAR)
    else:
        axes.plot(times, counts, color=BAR, linewidth=0.6, alpha=0.45, label="day")
        rolling = pd.Series(counts).rolling(ROLLING_DAYS, center=True, min_periods=ROLLING_DAYS // 2).mean()
        axes.plot(times, rolling, color=LINE, linewidth=2, label=f"mean of {ROLLING_DAYS} days")
        axes.legend(frameon=False, loc="upper right", labelcolor=SOFT, ncols=2)
    axes.set_ylim(0, counts.max() * 1.12)
    axes.margins(x=0.01)
