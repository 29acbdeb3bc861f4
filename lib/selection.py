"""Some rows of a frame and their columns: what operations compute on, whatever filter chose them.

`lib.filters` makes it. Columns are read when they are asked for, and only the chosen rows of them; nothing is changed.
"""

from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.arrays import Days, Floats, Integers, Mask
from lib.clock import Clock
from lib.columns import Coded, arrow, coded, column
from lib.errors import InvalidInput
from lib.periods import ordered, within
from lib.places import normalised

Column = TypeVar("Column", bound=np.ndarray[Any, Any])
Day = np.datetime64


def numbers(series: "pd.Series[Any]") -> pa.Array:
    """A column of numbers as doubles; texts that are numbers are read, and what is none is null."""
    if not pd.api.types.is_numeric_dtype(series.dtype):
        series = pd.to_numeric(series.astype(object), errors="coerce")
    array = arrow(series)
    return array if array.type == pa.float64() else array.cast(pa.float64())


def floats(series: "pd.Series[Any]") -> Floats:
    """A column of numbers; NaN where there is none. Without copying where the column has all its values."""
    return np.asarray(numbers(series).to_numpy(zero_copy_only=False))


class Rows:
    """Some rows of a frame, or all of them, and their columns.

    Args:
        mask: which rows; None for all.
        start, end: the local days they were chosen from, the earlier one first; None for an open end.
    """

    def __init__(
        self, df: pd.DataFrame, clock: Clock, mask: Mask | None = None, start: str | None = None, end: str | None = None
    ) -> None:
        self.df = df
        self.mask = mask
        self.start, self.end = start, end
        self._clock = clock

    def during(self, start: str | None, end: str | None) -> "Rows":
        """Those of rows of all days that lie on the local days from `start` to `end`, in either order; None for an open end.

        They share what is known of the time: several periods of the same rows cost one conversion to another zone.
        """
        period = within(self._clock.dates, start, end) if start or end else None
        masks = [mask for mask in (self.mask, period) if mask is not None]
        return Rows(self.df, self._clock, np.logical_and.reduce(masks) if masks else None, *ordered(start, end))

    @cached_property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.df) if self.mask is None else int(np.count_nonzero(self.mask))

    @property
    def timezone(self) -> str | None:
        """The zone in which days and hours are counted; None where the data does not say."""
        return self._clock.timezone

    @property
    def dates(self) -> Coded:
        """Local day of each row."""
        return self._chosen(self._clock.dates)

    @property
    def hours(self) -> Integers:
        """Local hour of each row, 0 to 23; -1 for a row that has a day and no time."""
        return self._some(self._clock.hours)

    @property
    def weekdays(self) -> Integers:
        """Local day of the week of each row, Monday is 0; -1 where it is not known."""
        return self._some(self._clock.weekdays)

    def coded(self, name: str) -> Coded:
        """A column of labels."""
        return self._chosen(coded(self.df, name))

    def addresses(self) -> Coded:
        """Addresses in one spelling a place."""
        return self._chosen(normalised(self.df))

    def floats(self, name: str) -> Floats:
        """A column of numbers; NaN where there is none."""
        return self._some(floats(column(self.df, name)))

    def numbers(self, name: str) -> pa.Array:
        """A column of numbers as doubles; null where there is none."""
        return self._left(numbers(column(self.df, name)))

    def array(self, name: str) -> pa.Array:
        """A column as it is."""
        return self._left(arrow(column(self.df, name)))

    def frame(self) -> pd.DataFrame:
        """The rows as a frame with all columns; the frame itself where all are chosen."""
        return self.df if self.mask is None else self.df[self.mask]

    @cached_property
    def data_days(self) -> tuple[Day, Day] | None:
        """First and last local day of the whole frame, whatever rows are chosen; None where it has none."""
        dates = self._clock.dates
        days = [day for day, count in zip(dates.values.to_pylist(), dates.counts(), strict=True) if count]
        return (_day(min(days)), _day(max(days))) if days else None

    @cached_property
    def days(self) -> Days:
        """The local days that the data covers within the period, one after another; a day without incidents is one of them."""
        if self.data_days is None:
            return np.array([], "datetime64[D]")
        first, last = self.data_days
        first = max(first, _day(self.start)) if self.start else first
        last = min(last, _day(self.end)) if self.end else last
        return np.arange(first, last + 1, dtype="datetime64[D]")

    def per_day(self, labels: Coded | None = None) -> Integers:
        """How many of the rows lie on each of `days`; with labels of the rows, one line for each label."""
        dates, days = self.dates, self.days
        kinds = 1 if labels is None else len(labels.values)
        if not days.size:
            return np.zeros((kinds, 0) if labels is not None else 0, np.int64)
        known = np.array([_day(text) for text in dates.values.to_pylist()], "datetime64[D]")
        place = np.append((known - days[0]).astype(np.int64), -1)
        place[(place < 0) | (place >= days.size)] = -1
        where = place[dates.codes]
        if labels is None:
            return np.bincount(where + 1, minlength=days.size + 1)[1:]
        both = (where >= 0) & (labels.codes >= 0)
        cells = labels.codes[both].astype(np.int64) * days.size + where[both]
        return np.bincount(cells, minlength=kinds * days.size).reshape(kinds, days.size)

    def _chosen(self, column: Coded) -> Coded:
        return column if self.mask is None else Coded(column.codes[self.mask], column.values)

    def _left(self, values: pa.Array) -> pa.Array:
        return values if self.mask is None else values.filter(pa.array(self.mask))

    def _some(self, values: Column) -> Column:
        return values if self.mask is None else values[self.mask]  # type: ignore[return-value]


def _day(text: str) -> Day:
    try:
        return np.datetime64(text, "D")
    except ValueError:
        raise InvalidInput("data", f"the data has the date {text[:40]!r}, and days are written 2023-01-31") from None
