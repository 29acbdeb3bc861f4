"""Reads an export of traffic incidents (CSV, the portal's JSON array, NDJSON) from a stream into one table of texts.

The `load` operation calls `read_incidents`, then `lib.cleaning.clean`. It reads once, front to back, in bounded pieces, and
writes nothing: after a crash the load simply starts again. What is no file of incidents raises `UnreadableFile`, saying where.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv as pcsv

from lib.columns import find, squash
from lib.errors import UnreadableFile
from lib.incidents_beginning import FILE_COLUMNS, header, matched
from lib.incidents_json import read_records
from lib.incidents_text import BLOCK_BYTES, ByteStream, CheckedText

RAGGED_ROWS_NAMED = 5


@dataclass
class RawIncidents:
    """A file as it stands: texts only, under our column names, only the columns it has."""

    table: pa.Table
    format: str
    """csv or json."""
    spelled: dict[str, str]
    """Our name -> the file's name."""
    first_row: int
    """Number of the first record: 2 in a CSV, whose header is row 1; 1 in JSON."""


def read_incidents(stream: ByteStream, on_bytes: Callable[[int], None] = lambda _: None) -> RawIncidents:
    """Read a whole export.

    Args:
        on_bytes: called now and then with the number of bytes read so far.

    Raises:
        UnreadableFile: not UTF-8, empty, not incidents, ragged, or broken; the message says where.
    """
    text = CheckedText(stream, on_bytes)
    return _read_json(text) if text.begin()[:1] in b"[{" else _read_csv(text)


def _read_csv(text: CheckedText) -> RawIncidents:
    names = header(text.begin())
    spelled = matched(names)
    twice = {name for name in spelled.values() if [squash(other) for other in names].count(squash(name)) > 1}
    if twice:
        raise UnreadableFile("data", f"two columns are called {sorted(twice)[0]!r}; keep one of them")
    ragged = _RaggedRows()
    try:
        reader = pcsv.open_csv(
            text,
            read_options=pcsv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            parse_options=pcsv.ParseOptions(newlines_in_values=True, invalid_row_handler=ragged),
            convert_options=pcsv.ConvertOptions(
                include_columns=sorted(set(spelled.values())),
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        table = reader.read_all()
    except pa.ArrowInvalid as error:
        raise UnreadableFile("data", _explained(str(error))) from None
    ragged.check(len(names))
    if table.num_rows == 0:
        raise UnreadableFile("data", "the file has a header but no rows")
    return RawIncidents(table.select(list(spelled.values())).rename_columns(list(spelled)), "csv", spelled, first_row=2)


def _read_json(text: CheckedText) -> RawIncidents:
    table = read_records(text, wanted=lambda key: any(find([key], ours) for ours in FILE_COLUMNS))
    if table.num_rows == 0:
        raise UnreadableFile("data", "the file holds no records")
    spelled = matched(table.column_names)
    return RawIncidents(table.select(list(spelled.values())).rename_columns(list(spelled)), "json", spelled, first_row=1)


class _RaggedRows:
    """Counts the rows with more or fewer fields than the header, for one error that names them."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[str] = []

    def __call__(self, row: Any) -> str:
        self.count += 1
        if len(self.first) < RAGGED_ROWS_NAMED:
            self.first.append(f"row {row.number} has {row.actual_columns}")
        return "skip"

    def check(self, width: int) -> None:
        if self.count:
            rest = f" and {self.count - len(self.first)} more" if self.count > len(self.first) else ""
            raise UnreadableFile(
                "data", f"the header has {width} fields, but {', '.join(self.first)}{rest} (the header is row 1)"
            )


def _explained(message: str) -> str:
    if "Empty CSV" in message:
        return "the file has a header but no rows"
    if "straddl" in message:
        return f"a row is longer than {BLOCK_BYTES // 2**20} MiB: a quotation mark is opened and never closed"
    return f"the file is no well-formed CSV: {message}"
