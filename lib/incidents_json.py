"""Reads the portal's JSON array, or NDJSON, one record at a time: an array of 160 MB never stands in memory as objects.

`lib.incidents_file.read_incidents` calls it. It keeps nothing; broken JSON raises with line and column.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from lib.errors import UnreadableFile
from lib.incidents_beginning import MOST_COLUMNS, broken_json, parse_value, place
from lib.incidents_text import BLOCK_BYTES, CheckedText

ROWS_PER_BATCH = 20_000
_BETWEEN = re.compile(r"[\s,]*")
_SPACE = re.compile(r"\s*")


class _Records:
    """Iterates over the objects of an array or of lines, in a window that slides over the text."""

    def __init__(self, text: CheckedText) -> None:
        self._text = text
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._window = ""
        self._at = 0
        self._line, self._column = 1, 1
        self._ended = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self._more()
        array = self._skip(_SPACE) == "["
        if array:
            self._at += 1
        while (character := self._skip(_BETWEEN)) not in ("", "]"):
            if character != "{":
                raise self._broken(self._at, "expected an object")
            yield self._object()
        if array != (character == "]"):
            raise self._broken(self._at, "the array is not closed; was the file cut off?" if array else "unexpected ]")
        self._at += len(character)
        if self._skip(_SPACE):
            raise self._broken(self._at, "something follows the end of the array")

    def _skip(self, pattern: re.Pattern[str]) -> str:
        """Move over blanks (and commas); the next character, or "" at the end."""
        while True:
            match = pattern.match(self._window, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._window) or not self._more():
                return self._window[self._at : self._at + 1]

    def _object(self) -> dict[str, Any]:
        while True:
            try:
                record, self._at = parse_value(self._window, self._at)
            except json.JSONDecodeError as error:
                # Cut by the end of the window, perhaps; a record longer than a block is broken for certain.
                into = error.pos - self._at
                if len(self._window) - self._at > BLOCK_BYTES or not self._more():
                    raise self._broken(self._at + into, error.msg) from None
            else:
                if not isinstance(record, dict):
                    raise self._broken(self._at, "expected an object")
                return record

    def _more(self) -> bool:
        """Drop what was read, append a block; False at the end of the file."""
        if self._ended:
            return False
        data = self._text.read(BLOCK_BYTES)
        self._ended = not data
        self._line, self._column = place(self._window, self._at, self._line, self._column)
        self._window = self._window[self._at :] + self._decode(data, self._ended)
        self._at = 0
        return not self._ended

    def _broken(self, position: int, message: str) -> UnreadableFile:
        return broken_json(self._window, position, message, self._line, self._column)


def read_records(text: CheckedText, wanted: Callable[[str], bool]) -> pa.Table:
    """All records, as texts under their own keys; only keys that are `wanted`.

    Raises:
        UnreadableFile: broken JSON, or records with more kinds of keys than incidents have.
    """
    batches: list[pa.Table] = []
    columns: dict[str, list[str | None] | None] = {}  # None: not wanted
    rows = 0
    for record in _Records(text):
        for key, value in record.items():
            if key not in columns:
                if len(columns) == MOST_COLUMNS:
                    raise UnreadableFile(
                        "data", f"its records have more than {MOST_COLUMNS:,} different keys; an incident has 9 or 10"
                    )
                columns[key] = [None] * ROWS_PER_BATCH if wanted(key) else None
            if (values := columns[key]) is not None:
                values[rows] = _as_text(value)
        rows += 1
        if rows == ROWS_PER_BATCH:
            batches.append(_batch(columns, rows))
            columns = {key: values and [None] * ROWS_PER_BATCH for key, values in columns.items()}
            rows = 0
    return pa.concat_tables([*batches, _batch(columns, rows)], promote_options="default")


def _batch(columns: dict[str, list[str | None] | None], rows: int) -> pa.Table:
    try:
        return pa.table({key: pa.array(values[:rows], pa.string()) for key, values in columns.items() if values is not None})
    except UnicodeEncodeError:
        raise UnreadableFile("data", 'a record holds half of a surrogate pair (as in "\\ud800"), which is no character') from None


def _as_text(value: Any) -> str | None:
    """A value as the CSV export writes it; the portal's newer API has points as GeoJSON."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, dict) and isinstance(value.get("coordinates"), list) and len(value["coordinates"]) == 2:
        longitude, latitude = value["coordinates"]
        return f"POINT ({longitude} {latitude})"
    return json.dumps(value)
