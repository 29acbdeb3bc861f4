"""The five operations of the course, under its names and result keys.

They are plain functions on any frame of incidents, our own or a `pd.read_csv` one; beside the course's parameters they take
the filters that all operations share. They only read; nothing is left to clean up after a crash.
"""

from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from lib.analysis.ranking import Counts, top
from lib.columns import Coded, find
from lib.filters import EVERYTHING, Filters
from lib.operations import operation
from lib.periods import Day
from lib.places import along, cell_middle, cells
from lib.selection import Rows


@operation(title="Incidents on a day", example={"date": "2023-01-01"})
def incident_count_by_date(
    df: pd.DataFrame,
    date: Annotated[Day, Field(description="A local day, such as 2023-01-01.")],
    where: Filters = EVERYTHING,
) -> Counts:
    """How many incidents were published on one local day."""
    dates = where.rows(df).dates
    index = pc.index(dates.values, pa.scalar(date, dates.values.type)).as_py()
    return {"incident_count": int(np.count_nonzero(dates.codes == index)) if index >= 0 else 0}


@operation(title="Top locations", example={"n": 5})
def top_locations(
    df: pd.DataFrame,
    n: Annotated[int, Field(ge=1, le=10_000, description="How many places.")] = 10,
    by: Annotated[
        Literal["address", "location", "grid"],
        Field(description="What counts as one place: an address, exact coordinates, or a cell of 100 m, named by its middle."),
    ] = "address",
    where: Filters = EVERYTHING,
) -> dict[str, Counts]:
    """The places with the most incidents, the most first, equal ones in the order of their names."""
    rows = where.rows(df)
    places = _grid(rows) if by == "grid" else rows.addresses() if by == "address" else rows.coded("point")
    return {"top_locations": top(places, n)}


@operation(title="Average response time", example={})
def average_response_time(df: pd.DataFrame, where: Filters = EVERYTHING) -> dict[str, Any]:
    """The mean of the column ResponseTime, where the data has one; the portal's export has none. What is no number is left out.

    What the export can say instead is `time_on_feed`: how long incidents stayed on the feed.
    """
    if find(df.columns, "response_time") is None:
        return {"error": "ResponseTime column missing"}
    return {"avg_response": pc.mean(where.rows(df).numbers("response_time")).as_py()}


@operation(title="Unique issues", example={})
def unique_issues(df: pd.DataFrame, where: Filters = EVERYTHING) -> Counts:
    """How many different kinds of incidents there are, each in one spelling."""
    return {"unique_issues": where.rows(df).coded("issue").present()}


@operation(title="Incidents by road", example={"road": "S CONGRESS"})
def incidents_by_road(
    df: pd.DataFrame,
    road: Annotated[
        str,
        Field(min_length=1, max_length=200, description="Text of the address, in any case; & joins the streets of a crossing."),
    ],
    where: Filters = EVERYTHING,
) -> Counts:
    """How many incidents have a text in their address, whatever its case.

    The text is taken literally. The streets of a crossing may be named in either order: `A & B` is looked for as A and B.
    `&` alone finds every crossing.
    """
    return {"count": int(np.count_nonzero(along(where.rows(df).addresses(), road)))}


def _grid(rows: Rows) -> Coded:
    """Cells under the names of their middles, as `lat,lon`."""
    found = cells(rows.floats("latitude"), rows.floats("longitude"))
    names = ["{:.5f},{:.5f}".format(*cell_middle(cell)) for cell in found.values.to_pylist()]
    return Coded(found.codes, pa.array(names, pa.string()))
