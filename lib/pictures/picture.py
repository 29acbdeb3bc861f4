"""A picture of a result: chosen by its kind, drawn when its bytes are asked for, the same bytes for the same input.

Each drawing makes its own `Figure` under our settings, puts the process's back, and leaves nothing behind. One picture is
drawn at a time in a process: under matplotlib's own lock, for its settings and fonts are the process's, which a forked
child gets anew, because the thread that held it does not live there.
"""

import functools
import hashlib
import io
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lib.pictures.anomalies import anomalies
from lib.pictures.bars import by_hour, by_weekday
from lib.pictures.ground import Background
from lib.pictures.heatmap import heatmap
from lib.pictures.hotspots import hotspots
from lib.pictures.rows import issue_breakdown, time_on_feed
from lib.pictures.sheet import Caption, Sheet
from lib.pictures.style import DPI, SETTINGS
from lib.pictures.trend import trend
from lib.pictures.words import clean

_DRAWN: Mapping[str, Callable[[dict[str, Any], Caption], Sheet]] = {
    "trend": trend,
    "by_day": trend,
    "by_month": trend,
    "by_hour": by_hour,
    "by_weekday": by_weekday,
    "heatmap": heatmap,
    "issue_breakdown": issue_breakdown,
    "by_issue": issue_breakdown,
    "time_on_feed": time_on_feed,
    "anomalies": anomalies,
}
KINDS = (*_DRAWN, "hotspots")
"""What can be drawn."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What is to be drawn. `png` and `svg` draw it, each time anew."""

    make: Callable[[], Sheet]

    def png(self) -> bytes:
        """1,280 pixels wide; as high as it needs to be. With a palette, half as long as without."""
        with self.sheet() as sheet:
            canvas: Any = FigureCanvasAgg(sheet.figure)
            canvas.draw()
            drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
            said = PngInfo()
            for name, text in (("Software", "trafficjobs"), ("Title", sheet.title), ("Description", clean(sheet.summary))):
                said.add_itxt(name, text)  # text of any alphabet
        buffer = io.BytesIO()
        _with_palette(drawn).save(buffer, "PNG", pnginfo=said, dpi=(DPI, DPI))
        return buffer.getvalue()

    def svg(self) -> bytes:
        """6.4 inches wide. Texts are text; title and description are there for those who do not see it."""
        with self.sheet() as sheet:
            buffer = io.BytesIO()
            nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
            sheet.figure.savefig(buffer, format="svg", dpi=DPI, metadata=nothing)
        drawn = buffer.getvalue().decode()
        name = hashlib.sha256(drawn.encode()).hexdigest()[:12]  # several may stand in one page
        head, _, rest = drawn.partition("<svg ")
        root, _, rest = rest.partition(">")
        title, said = (escape(clean(text)) for text in (sheet.title, sheet.summary))
        root = f'<svg {root} role="img" aria-labelledby="title-{name} desc-{name}">'
        return f'{head}{root}\n <title id="title-{name}">{title}</title>\n <desc id="desc-{name}">{said}</desc>{rest}'.encode()

    @contextmanager
    def sheet(self) -> Iterator[Sheet]:
        """The figure, within our settings; cleared at the end of the block."""
        with Figure._render_lock, matplotlib.rc_context(SETTINGS):  # type: ignore[attr-defined]
            sheet = self.make()
            try:
                yield sheet
            finally:
                sheet.figure.clear()


def draw(kind: str, result: dict[str, Any], caption: Caption, background: Background | None = None) -> Picture:
    """The picture of an operation's result.

    Args:
        kind: one of KINDS.
        result: what the operation of that name gave; for by_day and by_month that of `trend`, for by_issue of `issue_breakdown`.
        background: all incidents, for the map of hotspots; without it the ground is white.

    Raises:
        ValueError: there is no such kind.
    """
    if kind == "hotspots":
        return Picture(functools.partial(hotspots, result, caption, background))
    if kind not in _DRAWN:
        raise ValueError(f"kind: there is no picture {kind!r}; there are {', '.join(KINDS)}")
    return Picture(functools.partial(_DRAWN[kind], result, caption))


def _with_palette(drawn: Image.Image) -> Image.Image:
    """In 256 colours, none of them far from its own: half as many bytes in the same time."""
    return drawn.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


def _renew_lock() -> None:
    Figure._render_lock = threading.RLock()  # type: ignore[attr-defined]


os.register_at_fork(after_in_child=_renew_lock)
