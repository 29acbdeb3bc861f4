"""Lines over time as SVG, drawn on the server: the browser needs no script and the policy no exception.

Colours are classes of the style sheet. Lines differ in their dashes as well, and each chart says its last values in words.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 480, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 8, 8, 22
_STROKES = ("one", "two", "three", "four")
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Line:
    """One line: its name, and a value for each moment; None where there is none, which leaves a gap."""

    name: str
    values: Sequence[float | None]

    @property
    def last(self) -> float | None:
        """The last value that is there."""
        return next((value for value in reversed(self.values) if value is not None), None)


def ceiling(largest: float, whole: bool = False) -> tuple[float, float]:
    """The top of an axis and its step: at most four steps of 1, 2, 2.5 or 5 times a power of ten; `whole` numbers for counts."""
    if largest <= 0:
        return 1.0, 1.0 if whole else 0.5
    power = 10.0 ** math.floor(math.log10(largest / 4))
    step = next(step * power for step in _STEPS if step * power * 4 >= largest)
    if whole:
        step = math.ceil(step)
    return step * math.ceil(largest / step), step


def chart(
    title: str,
    moments: Sequence[float],
    lines: Sequence[Line],
    label: Callable[[float], str],
    clock: Callable[[float], str],
    whole: bool = False,
) -> Markup:
    """A chart with its legend.

    Args:
        moments: seconds since 1970, ascending, one for each value.
        label: how a value reads on the axis.
        clock: how a moment does.
        whole: the axis counts things.
    """
    largest = max((value for line in lines for value in line.values if value is not None), default=0.0)
    top, step = ceiling(largest, whole)
    first, last = (moments[0], moments[-1]) if moments else (0.0, 1.0)
    span = max(1.0, last - first)

    def x(moment: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (moment - first) / span

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / top

    parts = [
        f'<line class="grid-line" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(at):.1f}" y2="{y(at):.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y(at) + 4:.1f}" text-anchor="end">{escape(label(at))}</text>'
        for at in (step * number for number in range(round(top / step) + 1))
    ]
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        moment = first + span * share
        parts.append(f'<text x="{x(moment):.1f}" y="{HEIGHT - 4}" text-anchor="{anchor}">{escape(clock(moment))}</text>')
    for line, stroke in zip(lines, _STROKES, strict=False):
        points = [
            None if value is None else f"{x(at):.1f} {y(value):.1f}" for at, value in zip(moments, line.values, strict=True)
        ]
        parts.append(f'<path class="line {stroke}" d="{_path(points)}"/>')
    words = f"{title}: " + ", ".join(f"{line.name} now {'none' if line.last is None else label(line.last)}" for line in lines)
    drawn = f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(words)}">{"".join(parts)}</svg>'
    return Markup(drawn) + _legend(lines, label)  # nosec B704 # what is drawn is made of numbers and escaped words


def _path(points: Sequence[str | None]) -> str:
    """Where a value stands alone, a stroke of no length, which round caps would show as a dot."""
    drawn, pen = [], False
    for at, point in enumerate(points):
        if point is not None:
            drawn.append(f"{'L' if pen else 'M'}{point}")
            if not pen and (at + 1 == len(points) or points[at + 1] is None):
                drawn.append("h2")
        pen = point is not None
    return "".join(drawn)


def _legend(lines: Sequence[Line], label: Callable[[float], str]) -> Markup:
    item = Markup(
        '<li><svg viewBox="0 0 26 8" class="chart" aria-hidden="true"><path class="line {}" d="M0 4H26"/></svg>{} <b>{}</b></li>'
    )
    items = [
        item.format(stroke, line.name, "–" if line.last is None else label(line.last))
        for line, stroke in zip(lines, _STROKES, strict=False)
    ]
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))
