"""The picture of anomalies: each day's incidents before the band in which days like it lie, and the days beyond it marked."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lib.pictures.dates import Numbers, edges
from lib.pictures.sheet import Caption, Entry, Sheet, box, empty, line
from lib.pictures.style import ACCENT, COUNT, INK, PALE, Look
from lib.pictures.timeline import FEW, HIGH, columns, mean, numbers, time_axes
from lib.pictures.words import counted

BAND: Look = {"color": PALE, "alpha": 0.75, "linewidth": 0}
MANY = 40
"""More marks than so many are half as large."""
MARK: Look = {"linestyle": "", "markersize": 10, "markerfacecolor": ACCENT, "markeredgecolor": INK, "markeredgewidth": 1.2}


def anomalies(result: dict[str, Any], caption: Caption) -> Sheet:
    """Draw `{"incident_count", "days": [{"date", "incident_count", "expected", "low", "high", "anomaly"}]}`."""
    title, days, total = "Unusual days", result["days"], result["incident_count"]
    if not days or not total:
        return empty(title, caption, total)
    starts, ends = edges("day", [entry["date"] for entry in days])
    counts, expected, low, high = (numbers(days, name) for name in ("incident_count", "expected", "low", "high"))
    odd = np.array([bool(entry.get("anomaly")) for entry in days])
    above = odd & ~(counts < np.where(np.isnan(expected), low, expected))
    legend = [Entry("Incidents", (line(color=COUNT, linewidth=1.6),)), Entry("usual for such a day", (box(**BAND),))]
    for marker, which, text in (("^", above, "more"), ("v", odd & ~above, "fewer")):
        if which.any():
            legend.append(Entry(f"{text}: {counted(int(which.sum()), 'day')}", (line(marker, **MARK),)))
    sheet = Sheet(title, caption, total, HIGH, legend, summary=_summary(days, odd))
    highest = float(np.nanmax(np.concatenate([counts, high])))
    axes = time_axes(sheet, "day", starts, ends, highest, "Incidents per day")
    _band(axes, starts, low, high)
    middle = (starts + ends) / 2
    _days(axes, middle, counts)
    size = MARK["markersize"] if odd.sum() <= MANY else MARK["markersize"] / 2
    for marker, which in (("^", above), ("v", odd & ~above)):
        axes.plot(middle[which], counts[which], marker, clip_on=False, **(MARK | {"markersize": size}))
    return sheet


def _band(axes: Axes, starts: Numbers, low: Numbers, high: Numbers) -> None:
    """Steps as wide as a day, so that one day alone has its band too; days that are missing have none."""
    places = (starts - starts[0]).astype(np.int64)
    lower, upper = np.full((2, places[-1] + 1), np.nan)
    lower[places], upper[places] = np.maximum(low, 0), high
    borders = np.append(columns(starts[0] + np.arange(len(lower), dtype=np.float64))[:, 0], starts[-1] + 1)
    axes.stairs(mean(upper), borders, baseline=mean(lower), fill=True, **BAND)


def _days(axes: Axes, middle: Numbers, counts: Numbers) -> None:
    """A line through the days, or the range of those that share a column of the picture."""
    shared = columns(counts)
    if shared.shape[1] == 1:
        few = len(counts) <= FEW
        axes.plot(middle, counts, color=COUNT, linewidth=2 if few else 0.9, marker="o" if few else "", markersize=5)
    else:
        lowest, highest = np.fmin.reduce(shared, axis=1), np.fmax.reduce(shared, axis=1)
        axes.fill_between(mean(middle), lowest, highest, color=COUNT, linewidth=0)


def _summary(days: list[dict[str, Any]], odd: "np.ndarray[Any, Any]") -> str:
    said = f"{counted(len(days), 'day')} from {days[0]['date']} to {days[-1]['date']}, {int(odd.sum())} of them unusual"
    found = [f"{day['date']} with {day['incident_count']:,}" for day, yes in zip(days, odd, strict=True) if yes][:10]
    return f"{said}{': ' + ', '.join(found) if found else ''}."
