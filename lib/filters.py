"""The filters that all operations on the incidents share, as parameters, and the choice of rows they stand for.

An operation whose function has a parameter annotated `Filters` takes them all; `where.rows(df)` is what it then works on.
Pure: neither a frame nor a filter is changed.
"""

from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from lib.arrays import Mask
from lib.cleaning import fold_label
from lib.clock import Clock
from lib.columns import Coded, coded, column
from lib.context import log
from lib.parameters import Params, did_you_mean
from lib.periods import Period, labelled
from lib.places import along, normalised
from lib.selection import Rows, floats
from lib.zones import check_zone

MOST_ISSUES = 100
Label = Annotated[str, Field(min_length=1, max_length=200)]


def _split(value: Any, info: ValidationInfo) -> Any:
    """`west,south,east,north` of a query string as a list."""
    if info.mode == "python" and isinstance(value, list) and len(value) == 1:
        (value,) = value
    return value.split(",") if info.mode == "python" and isinstance(value, str) else value


def _box(value: list[float]) -> list[float]:
    """A box whose corners were given in either order, with the smaller one first."""
    west, south, east, north = value
    if max(abs(south), abs(north)) > 90 or max(abs(west), abs(east)) > 180:
        raise ValueError("must be west, south, east, north in degrees, such as [-97.80, 30.20, -97.70, 30.30]")
    return [min(west, east), min(south, north), max(west, east), max(south, north)]


_EDGES = [{"type": "number", "minimum": -most, "maximum": most} for most in (180, 90, 180, 90)]
BoundingBox = Annotated[
    list[float],
    Field(min_length=4, max_length=4),
    BeforeValidator(_split),
    AfterValidator(_box),
    WithJsonSchema({"type": "array", "prefixItems": _EDGES, "minItems": 4, "maxItems": 4}),
]
Timezone = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(check_zone)]


class Where(Params):
    """Which incidents count, whenever they were. What is left out leaves nothing out; all that is given must hold."""

    model_config = ConfigDict(frozen=True)

    issue: Label | Annotated[list[Label], Field(min_length=1, max_length=MOST_ISSUES)] | None = Field(
        None, description="One kind of incident or several, in any of their spellings."
    )
    road: Label | None = Field(
        None, description="Text of the address, in any case; & joins the streets of a crossing, in either order."
    )
    bbox: BoundingBox | None = Field(None, description="A box: west, south, east, north in degrees.")
    agency: Label | None = Field(None, description="Who answered, in any case; older incidents have none.")
    tz: Timezone | None = Field(
        None, description="IANA time zone in which days and hours are counted; by default that of the data, America/Chicago."
    )

    def whenever(self, df: pd.DataFrame) -> Rows:
        """The rows of a frame for which all that is given holds, of all its days; `during` takes those of a period.

        Raises:
            InvalidInput: the frame has no column for something that is given.
        """
        masks = [
            self._with_issue(coded(df, "issue")) if self.issue is not None else None,
            along(normalised(df), self.road) if self.road is not None else None,
            _inside(df, self.bbox) if self.bbox is not None else None,
            labelled(coded(df, "agency"), [self.agency]) if self.agency is not None else None,
        ]
        given = [mask for mask in masks if mask is not None]
        return Rows(df, Clock(df, self.tz), np.logical_and.reduce(given) if given else None)

    def described(self) -> str:
        """What is given beside the period, for the head of a picture."""
        issues = [self.issue] if isinstance(self.issue, str) else self.issue or []
        box = ", ".join(f"{edge:g}" for edge in self.bbox or ())
        parts = [
            ", ".join(issues if len(issues) <= 3 else [*issues[:2], f"{len(issues) - 2} more kinds"]),
            f"road {self.road}" if self.road else "",
            f"within {box}" if box else "",
            f"agency {self.agency}" if self.agency else "",
        ]
        return "; ".join(part for part in parts if part)

    def _with_issue(self, issues: Coded) -> Mask:
        wanted = [fold_label(label) for label in ([self.issue] if isinstance(self.issue, str) else self.issue or [])]
        known = issues.values.to_pylist()
        folded = {label.lower() for label in known}
        for label in wanted:
            if label.lower() not in folded:
                log(f"The data has no issue {label!r}{did_you_mean(label, known)}.")
        return labelled(issues, wanted)


class Filters(Where, Period):
    """Which incidents count: those of a period, and all that `Where` says."""

    def rows(self, df: pd.DataFrame) -> Rows:
        """The rows of a frame for which all that is given holds.

        Raises:
            InvalidInput: the frame has no column for something that is given.
        """
        return self.whenever(df).during(self.start, self.end)


EVERYTHING = Filters()


def _inside(df: pd.DataFrame, box: list[float]) -> Mask:
    latitude, longitude = (floats(column(df, name)) for name in ("latitude", "longitude"))
    west, south, east, north = box
    return np.asarray((latitude >= south) & (latitude <= north) & (longitude >= west) & (longitude <= east))
