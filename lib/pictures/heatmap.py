"""The picture of weekdays by hours: how many incidents fall into each hour of the week, darker for more."""

from typing import Any

import numpy as np

from lib.pictures.sheet import ROOM, Caption, Sheet, empty
from lib.pictures.style import EDGE, HEAT, INK, PAPER, SMALL, SOFT
from lib.pictures.words import counted, number, scale_labels, steps, width

ROW = 30.0
SCALE = 16.0


def heatmap(result: dict[str, Any], caption: Caption) -> Sheet:
    """Draw `{"incident_count", "without_time", "weekdays", "per_hour": [[24 means] for each weekday]}`."""
    title, total, names = "Incidents by weekday and hour", result["incident_count"], result["weekdays"]
    if not names or not total:
        return empty(title, caption, total)
    means = np.array(result["per_hour"], dtype=np.float64)  # None becomes NaN, which is left white
    if not np.isfinite(means).any():
        return empty(title, caption, total, "No incident has a day and a time")
    top = float(np.nanmax(means)) or 1.0
    untimed = result.get("without_time") or 0
    notes = [f"Not drawn: {counted(untimed)} without a time"] if untimed else []
    day, hour = np.unravel_index(int(np.nanargmax(means)), means.shape)
    summary = f"Seven rows of 24 hours. Most: {number(top)} in an hour on {names[day]} at {hour:02d}:00."
    high = ROW * len(names)
    sheet = Sheet(title, caption, total, high + SMALL * 7.4, notes=notes, summary=summary)
    left = EDGE + max(width(name[:3]) for name in names) + 8
    axes = sheet.axes(left, sheet.top + 2, ROOM + EDGE - left, high)
    axes.pcolormesh(np.arange(25), np.arange(len(names) + 1), means, edgecolors=PAPER, linewidth=1.5, cmap=HEAT, vmin=0, vmax=top)
    axes.invert_yaxis()
    axes.set_yticks(np.arange(len(names)) + 0.5, [name[:3] for name in names], color=INK)
    axes.set_xticks(np.arange(0, 24, 3) + 0.5, [f"{each:02d}" for each in range(0, 24, 3)])
    axes.set_xlabel("Hour of the day (17 is from 5 to 6 pm)", color=SOFT, loc="left", labelpad=3)
    _scale(sheet, sheet.top + high + SMALL * 3.6, top)
    return sheet


def _scale(sheet: Sheet, y: float, top: float) -> None:
    """The bar that says which colour is which number."""
    sheet.text(EDGE, y + SMALL, "Incidents in that hour, mean of such days", color=SOFT)
    axes = sheet.axes(EDGE + 6, y + SMALL * 1.6, ROOM - 30, SCALE)
    shades = np.linspace(0, top, 65)
    axes.pcolormesh(shades, [0, 1], ((shades[1:] + shades[:-1]) / 2)[np.newaxis], cmap=HEAT, vmin=0, vmax=top, rasterized=True)
    places = steps(top, at_most=4, whole=False)
    axes.set_xticks(places, scale_labels(places))
