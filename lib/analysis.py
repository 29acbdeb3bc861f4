"""The operations that answer with numbers: the course's five under their names and result keys, and `describe`.

Workers run them in jobs, the API in direct routes, and they are plain functions on any frame of incidents, our own or a
`pd.read_csv` one. They only read; nothing is left to clean up after a crash.
"""

from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from lib.columns import Coded, arrow, coded, column, find
from lib.context import log
from lib.operations import NoParams, Params, operation
from lib.periods import Day, Period, chosen, in_period, ordered
from lib.places import GRID_DEGREES, containing, normalise, upper

Counts = dict[str, int]


class DateParams(Params):
    date: Day = Field(description="A local day, such as 2023-01-01.")


class TopParams(Params):
    n: int = Field(10, ge=1, le=10_000, description="How many places.")
    by: Literal["address", "location", "grid"] = Field(
        "address", description="What counts as one place: an address, exact coordinates, or a cell of about 100 m."
    )


class RoadParams(Params):
    road: str = Field(
        min_length=1, max_length=200, description="Text of the address, in any case; & joins the streets of a crossing."
    )


class MessageParams(Params):
    msg: str = Field(max_length=10_000, description="What to print.")


@operation(params=DateParams, title="Incidents on a day", example={"date": "2023-01-01"})
def incident_count_by_date(df: pd.DataFrame, date: str) -> Counts:
    """How many incidents were published on one local day."""
    dates = coded(df, "date")
    index = pc.index(dates.values, pa.scalar(date, dates.values.type)).as_py()
    return {"incident_count": int(np.count_nonzero(dates.codes == index)) if index >= 0 else 0}


@operation(params=TopParams, title="Top locations", example={"n": 5})
def top_locations(df: pd.DataFrame, n: int = 10, by: str = "address") -> dict[str, Counts]:
    """The places with the most incidents, the most first, equal ones in the order of their names."""
    places = _grid(df) if by == "grid" else _addresses(df) if by == "address" else coded(df, "point")
    return {"top_locations": _top(places, n)}


@operation(params=NoParams, title="Average response time", example={})
def average_response_time(df: pd.DataFrame) -> dict[str, Any]:
    """The mean of the column ResponseTime, where the data has one; the portal's export has none."""
    if find(df.columns, "response_time") is None:
        return {"error": "ResponseTime column missing"}
    return {"avg_response": pc.mean(arrow(column(df, "response_time"))).as_py()}


@operation(params=NoParams, title="Unique issues", example={})
def unique_issues(df: pd.DataFrame) -> Counts:
    """How many different kinds of incidents there are."""
    return {"unique_issues": int(np.count_nonzero(coded(df, "issue").counts()))}


@operation(params=RoadParams, title="Incidents by road", example={"road": "S CONGRESS"})
def incidents_by_road(df: pd.DataFrame, road: str) -> Counts:
    """How many incidents have a text in their address, whatever its case.

    The text is taken literally. The streets of a crossing may be named in either order: `A & B` is looked for as A and B.
    `&` alone finds every crossing.
    """
    addresses = _addresses(df)
    found = np.ones(len(addresses.values), dtype=bool)
    for street in [each for each in upper(road).split(" & ") if each] or [" & "]:
        found &= containing(addresses.values, street)
    return {"count": int(np.count_nonzero(chosen(addresses, found)))}


@operation(params=Period, title="Describe", example={"start": "2023-01-01", "end": "2023-12-31"})
def describe(df: pd.DataFrame, start: str | None = None, end: str | None = None) -> dict[str, Any]:
    """What the data holds between two local days: counts, first and last, by issue, and what is missing."""
    mask = in_period(df, start, end)
    dates = coded(df, "date")
    per_day = dates.counts(mask)
    days = [day for day, count in zip(dates.values.to_pylist(), per_day, strict=True) if count]
    rows = len(df) if mask is None else int(np.count_nonzero(mask))
    first, last = ordered(start, end)
    return {
        "start": first,
        "end": last,
        "incident_count": rows,
        "first": min(days, default=None),
        "last": max(days, default=None),
        "days": len(days),
        "per_day": round(rows / len(days), 2) if days else None,
        "busiest_day": _busiest(dates, per_day),
        "issues": _top(coded(df, "issue"), None, mask),
        "missing": _missing(df, mask),
    }


@operation(name="print", params=MessageParams, title="Print a message", needs_data=False, example={"msg": "Hello"})
def print_message(msg: str) -> dict[str, str]:
    """Write a message to the job's log and return it."""
    log(msg)
    return {"msg": msg}


def _addresses(df: pd.DataFrame) -> Coded:
    """Addresses in one spelling a place: those of our frame as they are, those of a foreign one normalised here."""
    addresses = coded(df, "address")
    if find(df.columns, "address") == "address" and find(df.columns, "address_raw"):
        return addresses
    places = normalise(addresses.values.cast(pa.string())).dictionary_encode()
    codes = np.append(places.indices.to_numpy(), -1)[addresses.codes]
    return Coded(codes, places.dictionary)


def _grid(df: pd.DataFrame) -> Coded:
    """The cell of about 100 m that each incident lies in, named by its middle as `lat,lon`."""
    lat, lon = (arrow(column(df, name)).cast(pa.float64()).to_numpy(zero_copy_only=False) for name in ("latitude", "longitude"))
    known = np.isfinite(lat) & np.isfinite(lon)
    north, east = (np.rint(values[known] / GRID_DEGREES).astype(np.int64) for values in (lat, lon))
    cells, inverse = np.unique(north * 1_000_000 + (east + 500_000), return_inverse=True)
    codes = np.full(lat.size, -1, dtype=np.int64)
    codes[known] = inverse
    middles = zip(cells // 1_000_000, cells % 1_000_000 - 500_000, strict=True)
    names = [f"{north * GRID_DEGREES:.3f},{east * GRID_DEGREES:.3f}" for north, east in middles]
    return Coded(codes, pa.array(names, pa.string()))


def _top(values: Coded, n: int | None, mask: "np.ndarray[Any, np.dtype[np.bool_]] | None" = None) -> Counts:
    """The `n` most frequent values (all for None) with their counts."""
    counts = values.counts(mask)
    present = np.flatnonzero(counts)
    if n is not None and present.size > n:
        at_least = np.cumsum(np.bincount(counts)[::-1])[::-1]  # how many values occur so often or more
        least = np.flatnonzero(at_least >= n)[-1]
        present = np.flatnonzero(counts >= least)  # more than n where the last place is shared
    names = values.values.take(pa.array(present)).to_pylist()
    ranked = sorted(zip(names, counts[present].tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return dict(ranked[:n])


def _busiest(dates: Coded, per_day: "np.ndarray[Any, np.dtype[np.int64]]") -> dict[str, Any] | None:
    if not per_day.any():
        return None
    index = int(per_day.argmax())
    return {"date": dates.values[index].as_py(), "incident_count": int(per_day[index])}


def _missing(df: pd.DataFrame, mask: "np.ndarray[Any, np.dtype[np.bool_]] | None") -> Counts:
    """Rows without a value, for the columns in which there are any."""
    counts = {}
    for name in df.columns:
        array = arrow(df[name])
        if array.null_count:
            absent = array.is_null().to_numpy(zero_copy_only=False)
            counts[str(name)] = int(np.count_nonzero(absent if mask is None else absent & mask))
    return {name: count for name, count in counts.items() if count}
