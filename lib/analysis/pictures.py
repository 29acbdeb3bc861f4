"""What an operation keeps beside its numbers: its picture in the forms that were asked for.

A picture is drawn when its bytes are wanted: by a job for each form, by a direct route for the one that Accept prefers.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import pandas as pd
from pydantic import ConfigDict, Field

from lib.clock import Clock
from lib.columns import column
from lib.context import save_file
from lib.filters import Filters
from lib.parameters import Params
from lib.periods import ordered
from lib.pictures import Background, Caption, draw
from lib.selection import floats

SOURCE = "City of Austin, Real-Time Traffic Incident Reports"
_TYPES = {"png": "image/png", "svg": "image/svg+xml"}


class Pictures(Params):
    """In which forms a picture is kept."""

    model_config = ConfigDict(frozen=True)

    pictures: list[Literal["png", "svg"]] = Field(
        ["png", "svg"], max_length=2, description="Forms in which a job keeps its picture; none for an empty list."
    )

    def keep(self, kind: str, result: Mapping[str, Any], df: pd.DataFrame, where: Filters, name: str = "") -> None:
        """Save the picture of a result as `<name>.png` and `<name>.svg`.

        Args:
            kind: of lib.pictures.KINDS; also the name of the files where none is given.
            df, where: the frame and the filters that the result was computed from.
        """

        def content(form: str) -> bytes:
            period = period_text(*ordered(where.start, where.end))
            caption = Caption(period, where.described(), Clock(df, where.tz).timezone or "local time", SOURCE)
            picture = draw(kind, dict(result), caption, _everywhere(df) if kind == "hotspots" else None)
            return picture.svg() if form == "svg" else picture.png()

        for form in dict.fromkeys(self.pictures):
            save_file(f"{name or kind}.{form}", partial(content, form), _TYPES[form])


KEPT = Pictures()


def _everywhere(df: pd.DataFrame) -> Background:
    """Where all incidents are, whichever were chosen."""
    return Background(*(floats(column(df, name)) for name in ("latitude", "longitude")))


def period_text(start: str | None, end: str | None) -> str:
    """A period in words."""
    if start and start == end:
        return start
    if start and end:
        return f"{start} to {end}"
    return f"since {start}" if start else f"until {end}" if end else "all the data"
