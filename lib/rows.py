"""Single incidents for `GET /data`: filtered, page by page, as plain JSON.

`lib.dataset.Dataset` calls it with a mapped table. A page goes on after a report id, not after a number, so that it holds
over a new version of the data. Pure functions.
"""

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lib.arrays import Mask
from lib.cleaning import fold_label
from lib.columns import Coded
from lib.dates import check_day
from lib.errors import Conflict, InvalidInput
from lib.jsonable import iso_utc
from lib.periods import chosen, labelled, within
from lib.places import normalise

MAX_LIMIT = 10_000


@dataclass(frozen=True)
class Page:
    """Some rows. `next` is the `after` of the following page, None on the last one; `total` counts all pages' rows."""

    rows: list[dict[str, Any]]
    next: str | None
    total: int
    version: str


def select_rows(
    table: pa.Table,
    version: str,
    *,
    search: str | None = None,
    start: str | None = None,
    end: str | None = None,
    issue: str | None = None,
    limit: int = 1000,
    after: str | None = None,
) -> Page:
    """Rows in the order of time.

    Args:
        search: text in the address or the issue, whatever its case, or the beginning of a report id.
        start, end: local days, both included, in either order.
        issue: label, in any of its spellings.
        after: report id of the last row of the page before.

    Raises:
        InvalidInput: naming the argument that does not fit.
        Conflict: the row of `after` is not in the data.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput("limit", f"must be 1 to {MAX_LIMIT:,}, not {limit}")
    for name, day in (("start", start), ("end", end)):
        if day is not None:
            _checked_day(name, day)
    masks = [within(_coded(table, "date"), start, end)]
    if issue:
        masks.append(labelled(_coded(table, "issue"), [fold_label(issue)]))
    if search:
        masks.append(_matching(table, search))
    mask = np.logical_and.reduce([each for each in masks if each is not None] or [np.ones(table.num_rows, bool)])
    found = np.flatnonzero(mask)
    page = found if after is None else found[found > _position(table, after)]
    rows = _as_json(table.take(pa.array(page[:limit])))
    return Page(rows, rows[-1]["report_id"] if page.size > limit else None, int(found.size), version)


def row_by_id(table: pa.Table, report_id: str) -> dict[str, Any] | None:
    """The row with this report id, or None."""
    index = pc.index(table["report_id"], pa.scalar(report_id, pa.large_string())).as_py()
    return None if index < 0 else _as_json(table.slice(index, 1))[0]


def _checked_day(name: str, day: str) -> None:
    try:
        check_day(day)
    except ValueError as error:
        raise InvalidInput(name, str(error)) from None


def _coded(table: pa.Table, name: str) -> Coded:
    return Coded.of(table[name].combine_chunks())


def _matching(table: pa.Table, text: str) -> Mask:
    wanted = normalise(pa.array([text]))[0].as_py()
    mask = np.asarray(pc.starts_with(table["report_id"], text).to_numpy())
    for name in ("address", "issue"):
        values = _coded(table, name)
        mask = mask | chosen(values, pc.match_substring(pc.utf8_upper(values.values), wanted).to_numpy(zero_copy_only=False))
    return np.asarray(mask)


def _position(table: pa.Table, report_id: str) -> int:
    index: int = pc.index(table["report_id"], pa.scalar(report_id, pa.large_string())).as_py()
    if index < 0:
        raise Conflict("after: the row that this page goes on after is not in the data (any more); start again without it.")
    return index


def _as_json(rows: pa.Table) -> list[dict[str, Any]]:
    def plain(value: Any) -> Any:
        return iso_utc(value) if isinstance(value, datetime.datetime) else value

    return [{name: plain(value) for name, value in row.items()} for row in rows.to_pylist()]
