"""The columns of the data: their names, types and meaning, and every spelling under which files and frames carry them.

Cleaning writes this schema, operations read frames through `column` and `coded`, so that they work on our frame and on a
plain `pd.read_csv` frame alike. Pure functions; nothing is kept.

| column | type | meaning |
|---|---|---|
| report_id | string | the portal's id, unique; one made from the row's content where the file has none |
| published | timestamp[us, UTC] | when the incident appeared; rows are in this order, those without it last |
| date | dictionary of strings | local day of `published`, as 2023-01-31 |
| hour, weekday | int8 | local hour 0 to 23; local day of the week, Monday is 0 |
| issue, issue_raw | dictionary of strings | label with its spellings folded into one; as the file has it |
| address, address_raw | dictionary of strings; string | capitals, single blanks, crossings in one order; as the file has it |
| latitude, longitude | double | degrees, null where they cannot be Austin |
| point | string | `(lat,lon)` whichever form the file's Location has; null where the coordinates are |
| status, status_date | dictionary of strings, timestamp[us, UTC] | ACTIVE or ARCHIVED, and since when |
| agency | dictionary of strings | who answered; null in older exports |
| response_time | double | only where the file has such a column (the portal's has not) |

A frame also answers to the names the course uses: `date` is one already, `Location` is the address as the file has it,
`Issue_Report` is `issue`, `ResponseTime` is `response_time`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.arrays import Integers, Mask
from lib.errors import InvalidInput

_BLOCK = 16_384  # rows
CODES = pa.dictionary(pa.int32(), pa.string())
LABELS = pa.dictionary(pa.int16(), pa.string())
INSTANT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        ("report_id", pa.large_string()),
        ("published", INSTANT),
        ("date", LABELS),
        ("hour", pa.int8()),
        ("weekday", pa.int8()),
        ("issue", LABELS),
        ("issue_raw", LABELS),
        ("address", CODES),
        ("address_raw", pa.large_string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("point", pa.large_string()),
        ("status", LABELS),
        ("status_date", INSTANT),
        ("agency", LABELS),
    ]
)
RESPONSE_TIME = pa.field("response_time", pa.float64())
TIMEZONE = "timezone"  # of `date`, `hour` and `weekday`: in a table's metadata, and in a frame's attrs
# Course's name -> ours, on every frame.
COURSE_NAMES = {"Location": "address_raw", "Issue_Report": "issue", "ResponseTime": "response_time"}
# Ours -> spellings in files and foreign frames, squashed (small letters and digits only), the best first.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "report_id": ("trafficreportid", "reportid"),
    "published": ("publisheddate", "published", "publisheddatetime"),
    "date": ("date",),
    "hour": ("hour",),
    "weekday": ("weekday",),
    "issue": ("issue", "issuereported", "issuereport"),
    "issue_raw": ("issueraw",),
    "address": ("address", "location"),
    "address_raw": ("addressraw",),
    "latitude": ("latitude",),
    "longitude": ("longitude",),
    "point": ("point", "location"),
    "status": ("status", "trafficreportstatus"),
    "status_date": ("statusdate", "trafficreportstatusdatetime", "trafficreportstatusdate"),
    "agency": ("agency",),
    "response_time": ("responsetime",),
}


def squash(name: str) -> str:
    """`Traffic Report ID`, `TrafficReportID` and `traffic_report_id` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find(names: Iterable[str], wanted: str) -> str | None:
    """The name among `names` that carries our column `wanted`, under any spelling; None when there is none."""
    if isinstance(names, pd.Index) and wanted in names:  # by its hash: operations ask for several columns in every call
        return wanted
    names = [str(name) for name in names]
    if wanted in names:
        return wanted
    squashed = {squash(name): name for name in reversed(names)}
    return next((squashed[spelling] for spelling in SPELLINGS[wanted] if spelling in squashed), None)


def column(df: pd.DataFrame, wanted: str) -> "pd.Series[Any]":
    """Our column `wanted` of a frame, under whatever spelling it has there.

    Raises:
        InvalidInput: the frame has no such column; the message names the spellings that would do.
    """
    name = find(df.columns, wanted)
    if name is None:
        raise InvalidInput("data", f"the data has no column for {wanted!r} (known as {', '.join(SPELLINGS[wanted])})")
    return df[name]


@dataclass(frozen=True)
class Coded:
    """A column as small integers: row i has the value `values[codes[i]]`, or none where the code is -1."""

    codes: "np.ndarray[Any, np.dtype[np.signedinteger[Any]]]"
    values: pa.Array

    @classmethod
    def of(cls, array: pa.DictionaryArray) -> Self:
        """A dictionary array; without copying where every row has a value."""
        indices = array.indices if array.null_count == 0 else array.indices.fill_null(-1)
        return cls(indices.to_numpy(zero_copy_only=False), array.dictionary)

    def counts(self, where: Mask | None = None) -> Integers:
        """How many rows have each value."""
        codes = self.codes if where is None else self.codes[where]
        return np.bincount(codes.astype(np.intp) + 1, minlength=len(self.values) + 1)[1:]

    def present(self) -> int:
        """How many of the values occur at all. Looks no further once all have been seen."""
        seen = np.zeros(len(self.values) + 1, dtype=bool)  # the last one stands for -1, no value
        for start in range(0, len(self.codes), _BLOCK):
            seen[self.codes[start : start + _BLOCK]] = True
            if seen[:-1].all():
                break
        return int(np.count_nonzero(seen[:-1]))


def coded(df: pd.DataFrame, wanted: str) -> Coded:
    """Our column `wanted` as `Coded`: without copying where the frame has it as an Arrow dictionary, else factorised."""
    array = arrow(column(df, wanted))
    if wanted == "date" and pa.types.is_timestamp(array.type):  # as pandas reads days with parse_dates
        array = array.cast(pa.date32(), safe=False)
    if not pa.types.is_dictionary(array.type):
        array = array.cast(pa.string()).dictionary_encode() if len(array) else pa.array([], CODES)
    return Coded.of(array)


def arrow(series: "pd.Series[Any]") -> pa.Array:
    """A column of any frame as one Arrow array, zero copy where it is one already."""
    values = series.array
    made = values.__arrow_array__() if isinstance(values, pd.arrays.ArrowExtensionArray) else pa.array(series, from_pandas=True)
    if isinstance(made, pa.ChunkedArray):
        return made.chunk(0) if made.num_chunks == 1 else made.combine_chunks()
    return made


def frame(table: pa.Table) -> pd.DataFrame:
    """A table of `SCHEMA` as a frame over the same memory, with the course's names beside ours.

    `attrs["timezone"]` is the zone of its local columns, where the table says which.
    """
    columns = {name: pd.Series(pd.arrays.ArrowExtensionArray(table[name]), copy=False) for name in table.column_names}
    columns |= {alias: columns[name] for alias, name in COURSE_NAMES.items() if name in columns}
    made = pd.DataFrame(columns, copy=False)
    zone = (table.schema.metadata or {}).get(TIMEZONE.encode())
    if zone is not None:
        made.attrs[TIMEZONE] = zone.decode()
    return made
