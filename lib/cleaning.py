"""Turns the texts of an export into typed columns, and accounts for every value it changed or left out.

The `load` operation calls `clean`, and `merge` when it appends. Pure: the same file gives the same table, byte for byte,
so that a load that crashed and runs again changes nothing.
"""

import datetime
import re
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lib.arrays import Integers, Mask
from lib.columns import LABELS, RESPONSE_TIME, SCHEMA, TIMEZONE
from lib.csv_text import FORMULA_STARTS
from lib.dates import EARLIEST, LATEST, local_columns, parse_days, parse_instants
from lib.errors import InvalidInput
from lib.incidents_file import RawIncidents
from lib.places import clean_coordinates, normalised_addresses, point_texts
from lib.row_ids import made_ids

ROWS_NAMED = 5
MAX_LABELS = 2**15 - 1
TEXTS = frozenset({"report_id", "issue", "address", "status", "agency"})
# The portal's spelling of labels that it also writes otherwise (in capitals, with a `z` that sorts them last).
KNOWN_LABELS = ("Crash Service", "Crash Urgent", "Stalled Vehicle", "Traffic Hazard", "Traffic Impediment")


@dataclass
class Note:
    """Some rows, or some values of one column, and why they are not in the data. `rows` names the first few."""

    column: str
    reason: str
    count: int
    rows: list[int]


@dataclass
class Report:
    """What loading a file did. Row numbers count records; the header of a CSV is row 1."""

    format: str
    columns: dict[str, str]
    """Our name -> the file's."""
    rows_read: int
    rows_kept: int = 0
    dropped: list[Note] = field(default_factory=list)
    duplicates: Note | None = None
    """Rows left out because a row with the same report id is kept."""
    nulled: list[Note] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    """Label in the file -> the one it was folded into, where they differ."""
    addresses: dict[str, int] = field(default_factory=dict)
    """How many spellings, and how many places are left of them."""
    formulas: list[Note] = field(default_factory=list)
    """Texts that a spreadsheet would run as a formula; they are kept as they stand, and no CSV that we write has them so."""
    first: str | None = None
    last: str | None = None
    """First and last local day."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class _Notes:
    """Collects notes with the numbers of the rows."""

    def __init__(self, first_row: int) -> None:
        self.first_row = first_row
        self.notes: list[Note] = []

    def make(self, column: str, reason: str, mask: Mask) -> Note:
        where = np.flatnonzero(mask)
        return Note(column, reason, int(where.size), (where[:ROWS_NAMED] + self.first_row).tolist())

    def add(self, column: str, reason: str, mask: Mask) -> None:
        if mask.any():
            self.notes.append(self.make(column, reason, mask))


def clean(raw: RawIncidents, timezone: str) -> tuple[pa.Table, Report]:
    """The table of `lib.columns.SCHEMA` in one record batch, and the report.

    Raises:
        InvalidInput: no row is left, or a column of labels holds anything but labels.
    """
    rows = raw.table.num_rows
    notes = _Notes(raw.first_row)
    report = Report(raw.format, raw.spelled, rows)
    texts = {name: _trimmed(raw.table[name]) for name in raw.table.column_names}
    report.formulas = _formulas(texts, raw.first_row)
    table = _typed(texts, rows, notes, report)
    keep = _kept(table, notes, report)
    report.nulled, report.rows_kept = notes.notes, int(keep.size)
    table = _arranged(table.take(pa.array(keep)), timezone)
    report.first, report.last = day_range(table)
    return table, report


def _typed(texts: dict[str, pa.Array], rows: int, notes: _Notes, report: Report) -> pa.Table:
    """All rows with typed columns; what that changed goes to notes and report."""

    def text(name: str) -> pa.Array:
        return texts[name] if name in texts else pa.nulls(rows, pa.string())

    published, days = _when(text("published"), text("date"), notes)
    latitude, longitude = clean_coordinates(text("latitude"), text("longitude"), text("point"), notes.add)
    issue, issue_raw, report.labels = _issues(text("issue"))
    address, address_raw = normalised_addresses(text("address"))
    ids = text("report_id") if "report_id" in texts else made_ids(list(texts.values()), rows)
    columns = {
        "report_id": ids.cast(pa.large_string()),
        "published": published,
        "day": days,
        "issue": issue,
        "issue_raw": issue_raw,
        "address": address,
        "address_raw": address_raw,
        "latitude": latitude,
        "longitude": longitude,
        "point": point_texts(latitude, longitude),
        "status": _labels(text("status"), "status"),
        "status_date": _instants("status_date", text("status_date"), notes),
        "agency": _labels(text("agency"), "agency"),
    }
    if "response_time" in texts:
        columns["response_time"] = _numbers("response_time", text("response_time"), notes)
    report.addresses = {"spellings": pc.count_distinct(address_raw).as_py(), "places": len(address.dictionary)}
    return pa.table(columns)


def _formulas(texts: dict[str, pa.Array], first_row: int) -> list[Note]:
    notes = _Notes(first_row)
    for name in TEXTS.intersection(texts):
        begins = pc.match_substring_regex(texts[name], rf"^[{re.escape(''.join(FORMULA_STARTS))}]")
        notes.add(name, "looks like a formula", pc.fill_null(begins, False).to_numpy(zero_copy_only=False))
    return sorted(notes.notes, key=lambda note: note.column)


def merge(old: pa.Table, new: pa.Table, timezone: str) -> pa.Table:
    """Both tables in one; of two rows with one report id the one whose status is younger stays, else the new one."""
    if "response_time" in {*old.column_names, *new.column_names}:
        old, new = _with_response_time(old), _with_response_time(new)
    both = pa.concat_tables([old, new]).unify_dictionaries().combine_chunks()
    both = both.append_column("day", parse_days(both["date"].combine_chunks().cast(pa.string())))
    both = both.drop_columns(["date", "hour", "weekday"])
    kept = np.flatnonzero(~_superseded(both["report_id"], both["status_date"]))
    return _arranged(both.take(pa.array(kept)), timezone)


def day_range(table: pa.Table) -> tuple[str | None, str | None]:
    """First and last local day of a table."""
    dates = table["date"].combine_chunks().dictionary
    return (dates[0].as_py(), dates[-1].as_py()) if len(dates) else (None, None)


def _with_response_time(table: pa.Table) -> pa.Table:
    if RESPONSE_TIME.name in table.column_names:
        return table
    return table.append_column(RESPONSE_TIME, pa.nulls(table.num_rows, RESPONSE_TIME.type))


def _arranged(table: pa.Table, timezone: str) -> pa.Table:
    """In the order of time, with local days, under the schema, in one batch."""
    table = table.take(pc.sort_indices(table, sort_keys=[("published", "ascending")]))
    table = table.unify_dictionaries().combine_chunks()
    published, days = table["published"].combine_chunks(), table["day"].combine_chunks()
    local = dict(zip(("date", "hour", "weekday"), local_columns(published, days, timezone), strict=True))
    fields = [*SCHEMA, RESPONSE_TIME] if RESPONSE_TIME.name in table.column_names else list(SCHEMA)
    arrays = [local.get(each.name, table[each.name] if each.name in table.column_names else None) for each in fields]
    return pa.table(arrays, schema=pa.schema(fields, metadata={TIMEZONE: timezone})).combine_chunks()


def _trimmed(texts: pa.ChunkedArray) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(texts.combine_chunks())
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _absent(array: pa.Array) -> Mask:
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False))


def _when(published: pa.Array, date: pa.Array, notes: _Notes) -> tuple[pa.Array, pa.Array]:
    """Instant, and day for rows of files that have a bare day only (the course's `date`)."""
    if published.null_count == len(published):
        days = parse_days(date)
        published = pc.if_else(days.is_null(), date, None)
        return _instants("date", published, notes), _plausible(days, "date", notes)
    return _instants("published", published, notes), pa.nulls(len(published), pa.date32())


def _instants(name: str, texts: pa.Array, notes: _Notes) -> pa.Array:
    parsed = parse_instants(texts)
    notes.add(name, "not a date", _absent(parsed) & ~_absent(texts))
    return _plausible(parsed, name, notes)


def _plausible(values: pa.Array, name: str, notes: _Notes) -> pa.Array:
    low, high = (
        pa.scalar(datetime.date.fromisoformat(day)).cast(pa.timestamp("us")).cast(values.type) for day in (EARLIEST, LATEST)
    )
    epoch = pc.fill_null(pc.equal(pc.year(values), 1970), False)
    outside = pc.fill_null(pc.or_(pc.less(values, low), pc.greater_equal(values, high)), False)
    notes.add(name, "in 1970: a number of milliseconds was taken for seconds", epoch.to_numpy(zero_copy_only=False))
    notes.add(name, f"not between {EARLIEST} and {LATEST}", pc.and_not(outside, epoch).to_numpy(zero_copy_only=False))
    return pc.if_else(outside, pa.scalar(None, values.type), values)


def _numbers(name: str, texts: pa.Array, notes: _Notes) -> pa.Array:
    numeric = pc.match_substring_regex(texts, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
    notes.add(name, "not a number", pc.fill_null(pc.invert(numeric), False).to_numpy(zero_copy_only=False))
    return pc.if_else(numeric, texts, None).cast(pa.float64())


def _labels(texts: pa.Array, name: str) -> pa.Array:
    encoded = texts.dictionary_encode()
    if len(encoded.dictionary) > MAX_LABELS:
        raise InvalidInput("data", f"the column for {name} holds {len(encoded.dictionary)} different values; those are no labels")
    return encoded.cast(LABELS)


def fold_label(label: str) -> str:
    """The one spelling of an issue label: `zSTALLED VEHICLE` and `Stalled Vehicle` are one."""
    plain = " ".join(label.split())
    if plain[:1] == "z" and plain[1:2].isupper():
        plain = plain[1:]
    return {known.lower(): known for known in KNOWN_LABELS}.get(plain.lower(), plain)


def _issues(texts: pa.Array) -> tuple[pa.Array, pa.Array, dict[str, str]]:
    raw = _labels(texts, "issue")
    folded = [fold_label(label) for label in raw.dictionary.to_pylist()]
    issue = pa.array(folded, pa.string()).dictionary_encode()
    codes = issue.indices.take(raw.indices.cast(pa.int32())).cast(pa.int16())
    changed = {label: to for label, to in zip(raw.dictionary.to_pylist(), folded, strict=True) if label != to}
    return pa.DictionaryArray.from_arrays(codes, issue.dictionary), raw, changed


def _kept(table: pa.Table, notes: _Notes, report: Report) -> Integers:
    """Positions of the rows that stay; the report says which do not."""
    nameless = _absent(table["report_id"])
    if nameless.any():
        report.dropped.append(notes.make("report_id", "no report id", nameless))
    superseded = _superseded(table["report_id"], table["status_date"]) & ~nameless
    if superseded.any():
        report.duplicates = notes.make("report_id", "same report id as a row that is kept", superseded)
    keep = np.flatnonzero(~(nameless | superseded))
    if not keep.size:
        raise InvalidInput("data", "no row is left: none has a report id")
    return keep


def _superseded(ids: pa.ChunkedArray, status_dates: pa.ChunkedArray) -> Mask:
    """Of the rows with one report id, all but that with the youngest status; of equals, all but the last."""
    codes = ids.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    superseded = np.zeros(codes.size, dtype=bool)
    several = np.bincount(codes + 1)[1:] > 1
    rows = np.flatnonzero((codes >= 0) & several[codes]) if several.any() else np.empty(0, np.int64)
    if rows.size:
        instants = status_dates.combine_chunks().cast(pa.int64()).fill_null(-(2**62)).to_numpy(zero_copy_only=False)
        rows = rows[np.lexsort((rows, instants[rows], codes[rows]))]
        superseded[rows[:-1][codes[rows[:-1]] == codes[rows[1:]]]] = True
    return superseded
