"""The picture of a trend: incidents by day, week, month or year, before what the season and the level around would give.

Few bins are bars, each with a mark at its baseline; more are a line, with the deviations filled; of many days the mean of 28
is drawn before the days themselves. A bin that the period or the end of the data cuts is hatched, or drawn as an open dot.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lib.pictures.dates import Numbers, edges
from lib.pictures.sheet import Caption, Entry, Sheet, box, empty, line
from lib.pictures.style import ACCENT, COUNT, INK, PALE, PAPER, Look
from lib.pictures.timeline import FEW, HIGH, MANY_DAYS, SMOOTH_DAYS, columns, mean, numbers, smooth, time_axes
from lib.pictures.words import counted, number

CLOSE = 150
"""A line through more bins than so many is thinner."""
UNDER: Look = {"color": PALE, "alpha": 0.9, "linewidth": 0}
OVER: Look = {"color": ACCENT, "alpha": 0.75, "linewidth": 0}
USUAL: Look = {"color": INK, "linewidth": 1.2, "linestyle": (0, (4, 2))}
OPEN: Look = {"markersize": 8, "markerfacecolor": PAPER, "color": COUNT, "markeredgewidth": 1.6}
CUT: Look = {"facecolor": PAPER, "edgecolor": COUNT, "hatch": "///", "linewidth": 1.2}


def trend(result: dict[str, Any], caption: Caption) -> Sheet:
    """Draw `{"by", "incident_count", "bins": [{"period", "incident_count", "baseline", "complete"}]}`."""
    by, bins, total = result["by"], result["bins"], result["incident_count"]
    title = f"Incidents by {by}"
    if not bins or not total:
        return empty(title, caption, total)
    starts, ends = edges(by, [entry["period"] for entry in bins])
    counts, base = numbers(bins, "incident_count"), numbers(bins, "baseline")
    whole = np.array([entry.get("complete", True) for entry in bins], dtype=bool)
    smoothed = by == "day" and len(bins) > MANY_DAYS
    sheet = Sheet(title, caption, total, HIGH, _legend(by, len(bins), base, whole, smoothed), summary=_summary(by, bins))
    highest = float(np.nanmax(np.concatenate([counts, base])))
    axes = time_axes(sheet, by, starts, ends, highest, f"Incidents per {by}")
    if len(bins) <= FEW:
        _bars(axes, starts, ends, counts, base, whole)
    elif smoothed:
        _many(axes, starts, ends, counts, base, whole)
    else:
        _line(axes, starts, ends, counts, base, whole, thick=2 if len(bins) <= CLOSE else 1.2)
    return sheet


def _bars(axes: Axes, starts: Numbers, ends: Numbers, counts: Numbers, base: Numbers, whole: "np.ndarray[Any, Any]") -> None:
    middle, wide = (starts + ends) / 2, (ends - starts) * 0.78
    axes.bar(middle[whole], counts[whole], wide[whole], color=COUNT)
    axes.bar(middle[~whole], counts[~whole], wide[~whole], **CUT)
    half = (ends - starts) * 0.47
    axes.hlines(base, middle - half, middle + half, color=PAPER, linewidth=5)
    axes.hlines(base, middle - half, middle + half, color=INK, linewidth=2.4)


def _many(axes: Axes, starts: Numbers, ends: Numbers, counts: Numbers, base: Numbers, whole: "np.ndarray[Any, Any]") -> None:
    """The range of the days that share a column of the picture, and the means of 28 days as a line."""
    begin, end = columns(starts)[:, 0], np.fmax.reduce(columns(ends), axis=1)
    days = columns(counts)
    if days.shape[1] == 1:
        axes.plot((begin + end) / 2, counts, color=PALE, linewidth=0.6)
    else:
        axes.fill_between((begin + end) / 2, np.fmin.reduce(days, axis=1), np.fmax.reduce(days, axis=1), color=PALE, linewidth=0)
    level = mean(smooth(np.where(whole, counts, np.nan)))
    _line(axes, begin, end, level, mean(smooth(base)), np.ones(len(level), dtype=bool))


def _line(
    axes: Axes, starts: Numbers, ends: Numbers, counts: Numbers, base: Numbers, whole: "np.ndarray[Any, Any]", thick: float = 2
) -> None:
    middle = (starts + ends) / 2
    known = np.where(whole, counts, np.nan)
    axes.fill_between(middle, known, base, where=known >= base, interpolate=True, **OVER)
    axes.fill_between(middle, known, base, where=known <= base, interpolate=True, **UNDER)
    axes.plot(middle, base, **USUAL)
    axes.plot(middle, known, color=COUNT, linewidth=thick)
    axes.plot(middle[~whole], counts[~whole], "o", clip_on=False, **OPEN)


def _legend(by: str, size: int, base: Numbers, whole: "np.ndarray[Any, Any]", smoothed: bool) -> list[Entry]:
    usual, bars = bool(np.isfinite(base).any()), size <= FEW
    counts = box(color=COUNT) if bars else line(color=COUNT, linewidth=2)
    entries = [Entry(f"mean of {SMOOTH_DAYS} days" if smoothed else "Incidents", (counts,))]
    if smoothed:
        entries.insert(0, Entry("Incidents", (box(color=PALE),)))
    elif not whole.all():
        entries.append(Entry(f"part of a {by} only", (box(**CUT) if bars else line("o", **OPEN),)))
    if usual:
        entries.append(Entry("usual for the season", (line(color=INK, linewidth=2.4) if bars else line(**USUAL),)))
        if not bars:
            entries.append(Entry("more, less", (box(0, 0.5, **OVER), box(0.5, 1, **UNDER))))
    return entries if len(entries) > 1 else []


def _summary(by: str, bins: list[dict[str, Any]]) -> str:
    most = max(bins, key=lambda entry: entry["incident_count"])
    least = min(bins, key=lambda entry: entry["incident_count"])
    ends = (f"{word}: {number(each['incident_count'])} in {each['period']}" for word, each in (("Most", most), ("least", least)))
    return f"{counted(len(bins), by)} from {bins[0]['period']} to {bins[-1]['period']}. {'; '.join(ends)}."
