"""Results as CSV: those that are a table already, or become one without guessing. Pure functions.

A list of flat objects, an object of flat values, one count for each name, or lists of equal length beside each other.
"""

import csv
import io
from typing import Any

Row = list[Any]


def csv_of(result: Any) -> bytes | None:
    """The result as CSV with a header (RFC 4180, UTF-8); None where it is no table."""
    table = _table(result)
    if table is None:
        return None
    text = io.StringIO()
    csv.writer(text).writerows(["" if value is None else value for value in row] for row in table)
    return text.getvalue().encode()


def _table(result: Any) -> list[Row] | None:
    """The header and the rows."""
    if isinstance(result, list):
        return _of_objects(result)
    if not isinstance(result, dict) or not result:
        return None
    if len(result) == 1:
        ((name, inner),) = result.items()
        if isinstance(inner, dict) and inner and all(map(_flat, inner.values())):
            return [[name, "count"], *([key, value] for key, value in inner.items())]
        if isinstance(inner, list):
            return _of_objects(inner)
    lists = {name: value for name, value in result.items() if isinstance(value, list)}
    if not lists:
        return [list(result), list(result.values())] if all(map(_flat, result.values())) else None
    even = (
        len(set(map(len, lists.values()))) == 1
        and len(lists) > 1
        and all(_flat(cell) for column in lists.values() for cell in column)
    )
    if even and all(map(_flat, (value for name, value in result.items() if name not in lists))):
        return [list(lists), *map(list, zip(*lists.values(), strict=True))]
    return None


def _of_objects(items: list[Any]) -> list[Row] | None:
    if not items or not all(isinstance(item, dict) and all(map(_flat, item.values())) for item in items):
        return None
    names = list(dict.fromkeys(name for item in items for name in item))
    return [names, *([item.get(name) for name in names] for item in items)]


def _flat(value: Any) -> bool:
    return not isinstance(value, dict | list)
