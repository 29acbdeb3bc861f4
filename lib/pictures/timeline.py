"""What pictures over time share: axes with dates below, series with gaps, and the mean of 28 days."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import transforms
from matplotlib.axes import Axes

from lib.arrays import Floats
from lib.pictures.dates import Numbers, ticks
from lib.pictures.sheet import ROOM, Sheet
from lib.pictures.style import GRID, SMALL, SOFT, Look

HIGH = 330.0
"""Height of a picture's body, in points."""
FEW = 40
"""So many bins are drawn each by itself, more as a line."""
MANY_DAYS, SMOOTH_DAYS = 400, 28
"""Of more days, the mean of so many around each is drawn before them."""
MOST_COLUMNS = 730
"""More values than so many share columns: a picture has no more room."""
SCALE = 80.0
"""Room for the labels of the scale on the left, in points."""
LABELS = {"day": "Day", "week": "Week, by its Monday", "month": "Month", "year": "Year"}


def numbers(entries: list[dict[str, Any]], name: str) -> Numbers:
    """A field of each entry, NaN where there is none."""
    return np.array([np.nan if entry.get(name) is None else entry[name] for entry in entries], dtype=np.float64)


def smooth(values: Numbers) -> Numbers:
    """The mean of the days around each; NaN where more than half of them are missing."""
    rolling = pd.Series(values).rolling(SMOOTH_DAYS, center=True, min_periods=SMOOTH_DAYS // 2)
    return np.asarray(rolling.mean().to_numpy(dtype=np.float64))


def columns(values: Numbers) -> Floats:
    """Values that follow each other, in at most MOST_COLUMNS rows of as many as share a column of the picture; NaN at the end."""
    each = -(-len(values) // MOST_COLUMNS)
    filled = np.full(-(-len(values) // each) * each, np.nan)
    filled[: len(values)] = values
    return filled.reshape(-1, each)


def mean(values: Numbers) -> Numbers:
    """The mean of each column; NaN where it has no value."""
    shared = columns(values)
    known = np.isfinite(shared)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, shared, 0).sum(axis=1) / known.sum(axis=1))


def time_axes(sheet: Sheet, by: str, starts: Numbers, ends: Numbers, top_value: float, unit: str) -> Axes:
    """Axes from the first bin's begin to the last one's end, with dates below."""
    few = len(starts) <= FEW
    first, last = float(starts[0]), float(ends[-1])
    spare = (last - first) * max(0.0, (4 - len(starts)) / 2)  # a single bin is not as wide as the picture
    room = (ROOM - SCALE) * (last - first) / (last - first + 2 * spare)
    marks = ticks(by, first, last, room, middle=few)
    axes = sheet.plot_axes(HIGH, top_value, LABELS[by], unit, lines=2 if any(mark.year for mark in marks) else 1)
    axes.set_xlim(first - spare, last + spare)
    axes.set_xticks([mark.place for mark in marks], [mark.text for mark in marks])
    if not few:
        axes.tick_params(axis="x", length=5, color=GRID, width=1)
    down = transforms.ScaledTranslation(0, -SMALL * 2.85 / 72, sheet.figure.dpi_scale_trans)
    below: Look = {"transform": axes.get_xaxis_transform() + down, "ha": "center", "va": "baseline", "color": SOFT}
    for mark in marks:
        if mark.year:
            axes.text(mark.place, 0, mark.year, **below)
    return axes
