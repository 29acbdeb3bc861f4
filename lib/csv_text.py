"""Tables as CSV that a spreadsheet opens without running anything: a text that it would take for a formula is a text again.

Results in CSV are written with it, and cleaning counts such texts in what is loaded. Pure functions.
"""

import csv
import io
from collections.abc import Iterable
from typing import Any

# What a cell begins with that spreadsheets run, or skip and look behind.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_bytes(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as CSV (RFC 4180, UTF-8), None as an empty cell.

    A text that begins as a formula does gets an apostrophe in front; numbers stay numbers.
    """
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value
