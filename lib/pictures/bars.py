"""The pictures of hours and of weekdays: one bar each, as high as the mean of such an hour or day."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lib.pictures.sheet import Caption, Sheet, empty
from lib.pictures.style import COUNT, WIDTH
from lib.pictures.words import counted, number, width

HIGH = 300.0


def by_hour(result: dict[str, Any], caption: Caption) -> Sheet:
    """Draw `{"incident_count", "days", "without_time", "hours": [{"hour", "incident_count", "per_day"}]}`."""
    title, hours, total = "Incidents by hour of the day", result["hours"], result["incident_count"]
    if not hours or not total:
        return empty(title, caption, total)
    values = _means(hours)
    days, untimed = result.get("days") or 0, result.get("without_time") or 0
    notes = [f"Not drawn: {counted(untimed)} without a time"] if untimed else []
    most = f"Most: {number(max(values))} an hour at {hours[int(np.argmax(values))]['hour']:02d}:00."
    sheet = Sheet(title, caption, total, HIGH, notes=notes, summary=f"24 bars. {most}")
    unit = f"Incidents per hour, mean of {counted(days, 'day')}" if days > 1 else "Incidents per hour"
    axes = sheet.plot_axes(HIGH, max(values) * 1.08, "Hour of the day (17 is from 5 to 6 pm)", unit, whole=False)
    _bars(axes, values)
    axes.set_xticks(range(0, 24, 3), [f"{hour:02d}" for hour in range(0, 24, 3)])
    return sheet


def by_weekday(result: dict[str, Any], caption: Caption) -> Sheet:
    """Draw `{"incident_count", "days", "without_day", "weekdays": [{"weekday", "incident_count", "days", "per_day"}]}`."""
    title, weekdays, total = "Incidents by weekday", result["weekdays"], result["incident_count"]
    if not weekdays or not total:
        return empty(title, caption, total)
    values = _means(weekdays)
    most = f"Most: {number(max(values))} a day on {weekdays[int(np.argmax(values))]['weekday']}."
    days, undated = result.get("days") or 0, result.get("without_day") or 0
    notes = [f"Not drawn: {counted(undated)} without a day"] if undated else []
    sheet = Sheet(title, caption, total, HIGH, notes=notes, summary=f"Seven bars. {most}")
    unit = f"Incidents per day, mean of {counted(days, 'day')}" if days > 1 else "Incidents per day"
    axes = sheet.plot_axes(HIGH, max(values) * 1.08, "Day of the week", unit, whole=False)
    _bars(axes, values)
    axes.set_xticks(range(7), [entry["weekday"][:3] for entry in weekdays])
    return sheet


def _means(entries: list[dict[str, Any]]) -> list[float]:
    """The mean of each, or its count where there is no mean."""
    if all(entry.get("per_day") is None for entry in entries):
        return [float(entry["incident_count"]) for entry in entries]
    return [float(entry["per_day"] or 0) for entry in entries]


def _bars(axes: Axes, values: list[float]) -> None:
    """Bars with their numbers above, or above the highest alone where there is no room for all."""
    axes.set_xlim(-0.6, len(values) - 0.4)
    bars = axes.bar(range(len(values)), values, width=0.78, color=COUNT)
    slot = axes.get_position().width * WIDTH / len(values)
    fits = max(width(number(value)) for value in values) + 8 <= slot
    highest = int(np.argmax(values))
    labels = [number(value) if fits or place == highest else "" for place, value in enumerate(values)]
    axes.bar_label(bars, labels, padding=3)
