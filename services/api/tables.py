"""Results as CSV: those that are a table already, or become one without guessing. Pure functions.

A list of flat objects, the first such list of an object, an object of flat values, one count for each name, or lists of equal
length beside each other.
"""

from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from lib.csv_text import csv_bytes
from lib.operations import Operation

Row = list[Any]


def csv_of(result: Any, operation: Operation | None = None) -> bytes | None:
    """The result as CSV with a header, as `lib.csv_text` writes it; None where it is no table.

    Args:
        operation: whose result it is; its annotation has the header of a table without rows.
    """
    table = table_of(result, operation)
    return None if table is None else csv_bytes(table)


def table_of(result: Any, operation: Operation | None = None) -> list[Row] | None:
    """The result as a header and rows; None where it is no table. As `csv_of`."""
    return _without_rows(result, operation) or _table(result)


def _without_rows(result: Any, operation: Operation | None) -> list[Row] | None:
    """The header alone, where the first list of objects that the operation says it returns is empty."""
    returned = operation.returns if operation is not None else None
    if not is_typeddict(returned) or not isinstance(result, dict):
        return None
    for name, kind in get_type_hints(returned).items():
        items = get_args(kind)
        if get_origin(kind) is list and is_typeddict(items[0]):
            return [list(get_type_hints(items[0]))] if result.get(name) == [] else None
    return None


def _table(result: Any) -> list[Row] | None:
    """The header and the rows."""
    if isinstance(result, list):
        return _of_objects(result)
    if not isinstance(result, dict) or not result:
        return None
    if len(result) == 1:
        ((name, inner),) = result.items()
        if isinstance(inner, dict) and all(map(_flat, inner.values())):
            return [[name, "count"], *([key, value] for key, value in inner.items())]
    for value in result.values():
        if isinstance(value, list) and (table := _of_objects(value)) is not None:
            return table
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
