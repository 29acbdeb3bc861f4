"""Local days and hours of a frame's rows, in the zone of the data or in another one.

Our frames carry them for the zone in which they were loaded; for any other they are computed from the instants. Pure.
"""

from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.arrays import Integers
from lib.columns import INSTANT, TIMEZONE, Coded, arrow, coded, column, find
from lib.dates import local_columns, parse_days
from lib.errors import InvalidInput


class Clock:
    """Reads the time of a frame's rows as clocks in one zone show it.

    Args:
        tz: IANA zone; None for that of the frame.
    """

    def __init__(self, df: pd.DataFrame, tz: str | None) -> None:
        own = df.attrs.get(TIMEZONE)
        self.timezone: str | None = tz or own
        self._df = df
        self._moved = tz is not None and tz != own

    @property
    def dates(self) -> Coded:
        """The day of each row, as 2023-01-31."""
        return Coded.of(self._local[0]) if self._moved else coded(self._df, "date")

    @property
    def hours(self) -> Integers:
        """0 to 23, -1 where a row has no time."""
        return _integers(self._local[1] if self._moved else arrow(column(self._df, "hour")))

    @property
    def weekdays(self) -> Integers:
        """Monday is 0, -1 where a row has no day."""
        return _integers(self._local[2] if self._moved else arrow(column(self._df, "weekday")))

    @cached_property
    def _local(self) -> tuple[pa.Array, pa.Array, pa.Array]:
        published = arrow(column(self._df, "published"))
        if not pa.types.is_timestamp(published.type) or published.type.tz is None:
            raise InvalidInput("tz", "the data has no instants that could be read in another time zone; leave tz out")
        # A row without an instant keeps the day that its file gave it.
        days = pa.nulls(len(published), pa.date32())
        if published.null_count and find(self._df.columns, "date") is not None:
            days = parse_days(arrow(column(self._df, "date")).cast(pa.string()))
        return local_columns(published.cast(INSTANT), days, str(self.timezone))


def _integers(values: pa.Array) -> Integers:
    full = values if values.null_count == 0 else values.fill_null(-1)
    return np.asarray(full.to_numpy(zero_copy_only=False))
