"""Texts and numbers as pictures show them: cleaned, measured, broken into lines and cut to the room there is.

What comes from the data is never parsed as a formula or as markup. Pure functions but for the font that measures.
"""

import math
import unicodedata
from functools import lru_cache
from typing import Any

from matplotlib import font_manager, ft2font

from lib.pictures.style import SMALL

MILLION = 1_000_000


@lru_cache(maxsize=4)
def _path(bold: bool) -> Any:
    weight = "bold" if bold else "normal"
    return font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight=weight))


def _font(bold: bool = False) -> ft2font.FT2Font:
    return font_manager.get_font(_path(bold))  # one for each thread: matplotlib keeps them so


def clean(text: object) -> str:
    """One line of characters that the font has: no control characters, which an SVG may not hold, and no line breaks."""
    line = " ".join("".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in str(text)).split())
    if line.isascii():
        return line
    font = _font()
    return "".join(char if font.get_char_index(ord(char)) else "\N{REPLACEMENT CHARACTER}" for char in line)


@lru_cache(maxsize=2048)
def width(text: str, size: float = SMALL, bold: bool = False) -> float:
    """How wide a text is, in points."""
    font = _font(bold)
    font.set_size(size, 72)
    font.set_text(text, 0.0, flags=ft2font.LoadFlags.NO_HINTING)
    return float(font.get_width_height()[0]) / 64


def cut(text: str, room: float, size: float = SMALL, bold: bool = False) -> str:
    """The text, or as much of it as fits into `room` points with an ellipsis."""
    if width(text, size, bold) <= room:
        return text
    fits, fails = 0, min(len(text), 400)
    while fits + 1 < fails:
        middle = (fits + fails) // 2
        fits, fails = (middle, fails) if width(text[:middle].rstrip() + "…", size, bold) <= room else (fits, middle)
    return text[:fits].rstrip() + "…"


def wrap(text: str, room: float, size: float = SMALL, bold: bool = False, at_most: int = 3) -> list[str]:
    """The text in lines no wider than `room` points, broken at blanks; what does not fit into `at_most` lines is cut."""
    lines: list[str] = []
    words = text.split()
    while words:
        if len(lines) == at_most - 1:
            return [*lines, cut(" ".join(words[:200]), room, size, bold)]
        taken = 1
        while taken < len(words) and width(" ".join(words[: taken + 1]), size, bold) <= room:
            taken += 1
        lines.append(cut(" ".join(words[:taken]), room, size, bold))
        words = words[taken:]
    return lines


def number(value: float | None) -> str:
    """A number to be read beside its mark: 0.42, 7.5, 143, 12,345, 1.43 M."""
    if value is None or value != value:
        return "none"
    if abs(value) >= MILLION:
        return f"{value / MILLION:.3g} M" if abs(value) < 1000 * MILLION else f"{value / MILLION:,.0f} M"
    if float(value).is_integer() or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def counted(count: int, noun: str = "incident") -> str:
    """`1 incident`, `12,345 incidents`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def steps(top: float, at_most: int = 5, whole: bool = True) -> list[float]:
    """Round numbers from 0 to `top`, which is above 0, at most so many of them beside 0, and whole ones where asked for."""
    least = top / at_most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    return [round(place * step, 12) for place in range(int(top / step + 1e-9) + 1)]


def scale_labels(values: list[float]) -> list[str]:
    """The labels of an axis, all in one form."""
    if max(values, default=0) >= MILLION:
        return ["0" if not value else f"{value / MILLION:,g} M" for value in values]
    return [f"{value:,.12g}" for value in values]
