"""Periods of local days: the parameters `start` and `end`, and the rows that lie between them; rows with some labels.

Operations and the list of rows share it. Pure functions over columns.
"""

from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field

from lib.arrays import Mask
from lib.columns import Coded
from lib.dates import check_day
from lib.parameters import Params

Day = Annotated[str, AfterValidator(check_day), Field(json_schema_extra={"format": "date"})]


class Period(Params):
    """A first and a last local day, both included, both optional, in either order."""

    start: Day | None = Field(None, description="First local day, such as 2023-01-01.")
    end: Day | None = Field(None, description="Last local day, such as 2023-12-31.")


def ordered(start: str | None, end: str | None) -> tuple[str | None, str | None]:
    """The two days, the earlier one first."""
    return (end, start) if start and end and start > end else (start, end)


def chosen(column: Coded, keep: "np.ndarray[Any, Any]") -> Mask:
    """Rows whose value is kept; `keep` has a truth value for each of the column's values."""
    table = np.append(keep.astype(bool), False)  # rows without a value have the code -1
    return np.asarray(np.take(table, column.codes))


def labelled(labels: Coded, wanted: Iterable[str]) -> Mask:
    """Rows with one of the wanted labels, in any case."""
    folded = {label.strip().lower() for label in wanted}
    return chosen(labels, np.array([label.lower() in folded for label in labels.values.to_pylist()], dtype=bool))


def within(dates: Coded, start: str | None, end: str | None) -> Mask | None:
    """Rows of the days from `start` to `end`; None stands for all rows."""
    start, end = ordered(start, end)
    if start is None and end is None:
        return None
    days = dates.values.to_pylist()
    return chosen(dates, np.array([(start is None or day >= start) and (end is None or day <= end) for day in days], dtype=bool))
