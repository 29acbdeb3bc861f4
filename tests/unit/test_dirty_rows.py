"""Rows with every kind of dirt, drawn at random: what cleaning makes of them is what each cell was made to mean."""

import csv
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lib.cleaning import Report, fold_label
from lib.places import LATITUDES, LONGITUDES
from tests.unit.incident_files import HEADER, load, values

NAMES = [*HEADER.split(","), "Agency"]
SPELLED: list[Callable[[str], str]] = [str, lambda name: name.replace(" ", ""), lambda name: name.replace(" ", "_").lower()]
NO_DATE, EPOCH = "not a date", "in 1970: a number of milliseconds was taken for seconds"
OUT = "not between 2000-01-01 and 2080-01-01"
IDS = ["A", "B", "C", "D", "É", "-7", "x" * 60]
LABELS = ["Crash Urgent", "CRASH URGENT", "zSTALLED VEHICLE", "Stalled  Vehicle", "stalled vehicle", "COLLISION", "=SUM(A1)", ""]
ADDRESSES = [
    "Manor Rd & Airport Blvd",
    "AIRPORT BLVD&MANOR  RD",
    "  5 Main (North) St ",
    'the "Y" at Oak Hill',
    "two\nlines",
    "a, b",
    "Große Straße",
    "@home",
    "-",
    "",
]
NO_ADDRESSES = ["(30.25,-97.75)", "POINT (-97.75 30.25)", "30.25, -97.75"]


@dataclass(frozen=True)
class Cell:
    """A text, what it means, and why it means nothing."""

    text: str
    meaning: Any = None
    reason: str | None = None


def moments() -> st.SearchStrategy[Cell]:
    def spelled(moment: datetime, form: int) -> Cell:
        utc = moment.replace(tzinfo=UTC)
        away = utc.astimezone(timezone(timedelta(hours=5, minutes=30)))
        portal = f"{utc:%m/%d/%Y %I:%M:%S %p}"
        return Cell(
            [portal, f"{portal} +0000", f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M:%S}", away.isoformat()][form], utc
        )

    whole = st.datetimes(datetime(2001, 1, 1), datetime(2078, 12, 30)).map(lambda moment: moment.replace(microsecond=0))
    wrong = ["soon", "02/30/2020 10:05:00 PM +0000", "13/13/2020 10:05:00 PM +0000", "2021-02-29T10:00:00Z", "04/31/2021", "7"]
    odd = [Cell(text, None, NO_DATE) for text in wrong]
    odd += [Cell("01/18/1970 02:16:00 PM +0000", None, EPOCH), Cell("1999-12-31T23:59:59Z", None, OUT), Cell("")]
    odd += [Cell("2080-01-01T00:00:00Z", None, OUT)]
    return st.builds(spelled, whole, st.integers(0, 4)) | st.sampled_from(odd)


def places() -> st.SearchStrategy[tuple[str, str, Cell]]:
    """Latitude, longitude and the Location with what all three mean."""

    def located(lat: float, lon: float, form: int, alone: bool) -> tuple[str, str, Cell]:
        pair = (float(f"{lat:.5f}"), float(f"{lon:.5f}"))
        point = ["", f"({lat:.5f},{lon:.5f})", f"POINT ({lon:.5f} {lat:.5f})", f"( {lat:.5f} , {lon:.5f} )"][form]
        numbers = ("", "") if alone and point else (f"{lat:.5f}", f"{lon:.5f}")
        return *numbers, Cell(point, pair)

    odd = [
        ("0.0", "0.0", Cell("", None, "(0, 0)")),
        ("", "", Cell("(0.0,0.0)", None, "(0, 0)")),
        ("29817659", "-97.8", Cell("(29817659,-97.8)", None, "the decimal point is lost")),
        ("40.7", "-74.0", Cell("POINT (-74.0 40.7)", None, "not near Austin")),
        ("-97.75", "30.25", Cell("", None, "not near Austin")),
        ("north", "-97.8", Cell("", None, "not a number")),
        ("30.2", "", Cell("", None, "only one of the two")),
        ("", "", Cell("")),
        ("", "", Cell("nowhere")),
    ]
    inside = (st.floats(low + 0.01, high - 0.01) for low, high in (LATITUDES, LONGITUDES))
    return st.builds(located, *inside, st.integers(0, 3), st.booleans()) | st.sampled_from(odd)


@dataclass(frozen=True)
class Row:
    """What one line of a file says, and what it means."""

    id: str
    published: Cell
    issue: str
    place: tuple[str, str, Cell]
    address: str
    status: str
    status_date: Cell
    agency: str

    @property
    def cells(self) -> list[str]:
        latitude, longitude, point = self.place
        first = [self.id, self.published.text, self.issue, point.text, latitude, longitude, self.address]
        return [*first, self.status, self.status_date.text, self.agency]

    @property
    def cleaned(self) -> tuple[Any, ...]:
        """What must be kept of it."""
        label, address = self.issue.strip() or None, self.address.strip() or None
        if self.address in NO_ADDRESSES:
            address = None
        latitude, longitude = self.place[2].meaning or (None, None)
        rest = (self.status or None, self.status_date.meaning, self.agency or None)
        return (self.id, self.published.meaning, label, label and fold_label(label), address, latitude, longitude, *rest)


COLUMNS = (
    "report_id", "published", "issue_raw", "issue", "address_raw", "latitude", "longitude", "status", "status_date", "agency"
)  # fmt: skip
rows_of_a_file = st.lists(
    st.builds(
        Row,
        st.sampled_from([*IDS, ""]),
        moments(),
        st.sampled_from(LABELS),
        places(),
        st.sampled_from(ADDRESSES + NO_ADDRESSES),
        st.sampled_from(["ACTIVE", "ARCHIVED", ""]),
        moments(),
        st.sampled_from(["AUSTIN POLICE", "+1", ""]),
    ),
    min_size=1,
    max_size=30,
)


def file_of(rows: list[list[str]], order: list[int], spelling: int = 0, end: str = "\n", mark: bool = False) -> bytes:
    """A CSV whose columns stand in that order."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerows([[row[column] for column in order] for row in [[SPELLED[spelling](name) for name in NAMES], *rows]])
    return ("\ufeff" if mark else "").encode() + text.getvalue().encode()


def kept_of(rows: list[Row]) -> list[int]:
    """Positions of the rows that stay, by the rule as people say it."""
    best: dict[str, int] = {}
    for position, row in enumerate(rows):
        if row.id:
            age = row.status_date.meaning or datetime.min.replace(tzinfo=UTC)
            known = best.get(row.id)
            if known is None or age >= (rows[known].status_date.meaning or datetime.min.replace(tzinfo=UTC)):
                best[row.id] = position
    return sorted(best.values())


def set_of(table: Any) -> list[tuple[Any, ...]]:
    return sorted(zip(*(values(table, name) for name in COLUMNS), strict=True), key=repr)


def check_counts(rows: list[Row], kept: list[int], report: Report) -> None:
    """The report, against a count of what the cells were made to mean."""
    notes: Counter[tuple[str, str]] = Counter()
    for row in rows:
        cells = [("published", row.published), ("status_date", row.status_date), ("coordinates", row.place[2])]
        notes.update((name, cell.reason) for name, cell in cells if cell.reason)
    assert {(note.column, note.reason): note.count for note in report.nulled} == notes
    dropped, merged = sum(note.count for note in report.dropped), report.duplicates.count if report.duplicates else 0
    assert (report.rows_read, report.rows_kept) == (len(rows), len(kept))
    assert report.rows_read == report.rows_kept + dropped + merged
    assert dropped == sum(not row.id for row in rows)
    texts = {"report_id": "id", "issue": "issue", "address": "address", "status": "status", "agency": "agency"}
    formulas = {
        name: sum(getattr(row, field).strip().startswith(("=", "+", "-", "@")) for row in rows) for name, field in texts.items()
    }
    assert {note.column: note.count for note in report.formulas} == {name: count for name, count in formulas.items() if count}


@pytest.mark.timeout(120)
@settings(max_examples=60, deadline=None)
@given(
    rows=rows_of_a_file,
    order=st.permutations(range(len(NAMES))),
    spelling=st.integers(0, len(SPELLED) - 1),
    end=st.sampled_from(["\n", "\r\n"]),
    mark=st.booleans(),
    shuffled=st.randoms(use_true_random=False),
)
def test_dirty_rows_become_what_they_mean(
    rows: list[Row], order: list[int], spelling: int, end: str, mark: bool, shuffled: Any
) -> None:
    assume(any(row.id for row in rows))
    kept = kept_of(rows)
    table, report = load(file_of([row.cells for row in rows], order, spelling, end, mark))
    assert set_of(table) == sorted((rows[position].cleaned for position in kept), key=repr)
    check_counts(rows, kept, report)
    for latitude, longitude in zip(values(table, "latitude"), values(table, "longitude"), strict=True):
        assert (latitude is None) == (longitude is None)
        assert latitude is None or (LATITUDES[0] <= latitude <= LATITUDES[1] and LONGITUDES[0] <= longitude <= LONGITUDES[1])
    instants = values(table, "published")
    assert instants == sorted(instants, key=lambda moment: (moment is None, moment or datetime.min.replace(tzinfo=UTC)))
    # What was cleaned and is exported again is clean.
    again, second = load(file_of(_exported(table), order, spelling, end, mark))
    assert again.to_pylist() == table.to_pylist()
    assert (second.nulled, second.dropped, second.duplicates) == ([], [], None)
    # The order of the rows is of no account, but where equals decide by it.
    if len({(row.id, row.status_date.meaning) for row in rows if row.id}) == sum(bool(row.id) for row in rows):
        shuffled.shuffle(rows)
        assert set_of(load(file_of([row.cells for row in rows], order))[0]) == set_of(table)


def _exported(table: Any) -> list[list[str]]:
    names = (
        "report_id",
        "published",
        "issue_raw",
        "point",
        "latitude",
        "longitude",
        "address_raw",
        "status",
        "status_date",
        "agency",
    )

    def text(value: Any) -> str:
        if isinstance(value, datetime):
            return value.isoformat().replace("+00:00", "Z")
        return "" if value is None else str(value)

    return [[text(row[name]) for name in names] for row in table.to_pylist()]
