"""The sheet that every picture is drawn on: title and what was counted above, source and time zone below, axes between.

All is placed in points from the upper left corner and every text is measured before it is placed, so nothing overlaps and
the height follows from what there is to say. One `Figure`, never pyplot: it ends with the picture.
"""

from dataclasses import dataclass
from typing import Any

from matplotlib import transforms
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from lib.pictures.style import DPI, EDGE, GRID, INK, LINE_HEIGHT, PAPER, SMALL, SOFT, TITLE, WIDTH
from lib.pictures.words import clean, counted, scale_labels, steps, width, wrap

ROOM = WIDTH - 2 * EDGE
HANDLE = 26.0
"""Width of a mark in a legend, in points."""


@dataclass(frozen=True)
class Caption:
    """What is said around a picture beside its own words.

    Attributes:
        period: the days, such as `2023-01-01 to 2023-12-31`, or `all the data`.
        chosen: which incidents were chosen, such as `Crash Urgent, road S CONGRESS`; empty for all.
        timezone: the zone of days and hours, such as `America/Chicago`.
        source: where the data comes from.
    """

    period: str
    chosen: str
    timezone: str
    source: str


@dataclass(frozen=True)
class Entry:
    """What a mark means; several marks for one text share its box."""

    text: str
    marks: tuple[Patch | Line2D, ...]


def box(left: float = 0, right: float = 1, **look: Any) -> Patch:
    """The mark of an area, or of a part of one; a mark's box is one wide and one high."""
    return Rectangle((left, 0.2), right - left, 0.6, **look)


def line(marker: str = "", **look: Any) -> Line2D:
    """The mark of a line, or of one point where it has a marker and no line."""
    return Line2D([0.5] if marker else [0, 1], [0.5] if marker else [0.5, 0.5], marker=marker, **look)


class Sheet:
    """A figure whose head and foot are written; `top` is where the body begins.

    Args:
        title: of the picture.
        caption: around it.
        incident_count: how many incidents the picture shows.
        body: height between head and foot, in points.
        legend: above the body.
        notes: below it, before the source.
        summary: what the picture shows, in a sentence for those who do not see it.
    """

    def __init__(
        self,
        title: str,
        caption: Caption,
        incident_count: int,
        body: float,
        legend: "list[Entry] | None" = None,
        notes: "list[str] | None" = None,
        summary: str = "",
    ) -> None:
        self.title, self.summary = title, summary
        head = wrap(title, ROOM, TITLE, bold=True)
        period = f"{clean(caption.period)}, {counted(incident_count)}"
        said = [*wrap(period, ROOM), *wrap(clean(caption.chosen), ROOM)]
        ends = [*(notes or []), f"Local time: {clean(caption.timezone)}", f"Source: {clean(caption.source)}"]
        foot = [part for end in ends for part in wrap(end, ROOM)]
        rows = _rows(legend or [])
        step = SMALL * LINE_HEIGHT
        self.top = EDGE + len(head) * TITLE * LINE_HEIGHT + len(said) * step + 10 + (len(rows) * step + 6 if rows else 0)
        self.height = self.top + body + 10 + len(foot) * step + EDGE
        self.figure = Figure(figsize=(WIDTH / 72, self.height / 72), dpi=DPI, facecolor=PAPER)
        y = EDGE
        for each in head:
            y += TITLE * LINE_HEIGHT
            self.text(EDGE, y - 6, each, size=TITLE, weight="bold")
        for each in said:
            y += step
            self.text(EDGE, y - 4, each, color=SOFT)
        y += 6
        for row in rows:
            y += step
            self._legend_row(y, row)
        y = self.top + body + 10
        for each in foot:
            y += step
            self.text(EDGE, y - 4, each, color=SOFT)

    def text(self, x: float, y: float, text: str, *, size: float = SMALL, ha: str = "left", **look: Any) -> None:
        """One line of text on the baseline `y`."""
        self.figure.text(
            x / WIDTH, 1 - y / self.height, text, fontsize=size, ha=ha, va="baseline", **({"color": INK} | look)
        )  # fmt: skip

    def axes(self, left: float, top: float, wide: float, high: float) -> Axes:
        """Axes without frame or ticks, placed in points."""
        axes = self.figure.add_axes((left / WIDTH, 1 - (top + high) / self.height, wide / WIDTH, high / self.height))
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_facecolor("none")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.tick_params(length=0, colors=SOFT, labelsize=SMALL, pad=5)
        axes.set_axisbelow(True)
        return axes

    def plot_axes(self, high: float, top_value: float, label: str, unit: str, whole: bool = True, lines: int = 1) -> Axes:
        """Axes of the whole width with a scale from 0 on the left and a label of the axis below.

        Args:
            high: the body's height, which holds the axes, the labels of its ticks, and both labels.
            top_value: the largest value to be drawn.
            label: what lies along the axis below.
            unit: what the scale on the left counts.
            whole: the scale has no fractions.
            lines: how many lines the labels of the ticks below take.
        """
        ticks = steps(top_value * 1.06 or 1, whole=whole)
        labels = scale_labels(ticks)
        if labels[-1].endswith(" M"):
            unit += " (M = million)"
        left = EDGE + max(width(each) for each in labels) + 6
        upper = self.top + SMALL * 1.7
        axes = self.axes(left, upper, WIDTH - EDGE - left, high - SMALL * (1.7 + 1.4 * lines + 2))
        axes.set_ylim(0, max(top_value * 1.06, ticks[-1]) or 1)
        axes.set_yticks(ticks, labels)
        axes.grid(axis="y", color=GRID, linewidth=1)
        axes.set_ylabel(unit, rotation=0, ha="left", va="baseline", color=SOFT)
        self.place_label(axes.yaxis, EDGE, self.top + SMALL)
        axes.tick_params(axis="x", pad=10)  # clear of the 0 of the scale
        axes.set_xlabel(label, color=SOFT, ha="left", va="baseline")
        self.place_label(axes.xaxis, left, upper + axes.get_position().height * self.height + SMALL * (1.4 * lines + 1.7))
        return axes

    def place_label(self, axis: Axis, x: float, y: float) -> None:
        """Put the label of an axis on a baseline, in points."""
        place = transforms.Affine2D().translate(x / WIDTH, 1 - y / self.height) + self.figure.transFigure
        axis.set_label_coords(0, 0, transform=place)

    def nothing(self, text: str) -> "Sheet":
        """Says in the middle of the body that there is nothing to draw."""
        self.text(WIDTH / 2, self.top + 50, text, ha="center", color=SOFT)
        return self

    def _legend_row(self, y: float, row: "list[tuple[float, Entry]]") -> None:
        for x, entry in row:
            corner = x / WIDTH, 1 - (y - 1) / self.height
            place = transforms.Affine2D().scale(HANDLE / WIDTH, SMALL / self.height).translate(*corner) + self.figure.transFigure
            for mark in entry.marks:
                mark.set_transform(place)
                self.figure.add_artist(mark)
            self.text(x + HANDLE + 6, y - 4, entry.text, color=SOFT)


def _rows(entries: list[Entry]) -> "list[list[tuple[float, Entry]]]":
    """The legend in rows that fit, each entry with its place from the left."""
    rows: list[list[tuple[float, Entry]]] = []
    x = WIDTH
    for entry in entries:
        wide = HANDLE + 6 + width(entry.text)
        if x + wide > WIDTH - EDGE:
            rows.append([])
            x = EDGE
        rows[-1].append((x, entry))
        x += wide + 16
    return rows


def empty(title: str, caption: Caption, incident_count: int = 0, why: str = "No incidents in this choice") -> Sheet:
    """The picture of nothing."""
    return Sheet(title, caption, incident_count, body=90, summary=f"{why}.").nothing(why)
