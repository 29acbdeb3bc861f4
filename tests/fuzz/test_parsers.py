"""Everything that reads what others wrote, with any input: an answer, or the one error that it declares.

One table says which parser may raise what; the slow tests run it with five times as many examples, `make fuzz` with fifty.
"""

import io
import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib import listing
from lib.cleaning import clean
from lib.csv_text import csv_bytes
from lib.dates import parse_days, parse_instants
from lib.errors import UnreadableFile
from lib.incidents_beginning import Inspector
from lib.incidents_file import read_incidents
from lib.reading import fields_of
from lib.records import ID, Job, check_cursor
from lib.states import STATUSES
from services.api.preferences import LONGEST_WAIT, wanted_wait
from tests.examples import many
from tests.fuzz.parsers import JSON, ODD, PARSERS, Parser
from tests.unit.incident_files import HEADER, ZONE, csv_file, row

FEW = 60
MANY = 3 * many(100)
PATIENCE = 120 + MANY // 3  # seconds, for the slowest of them on the slowest machine
LONGEST_ERROR = 20_000  # characters
SHORT = 12  # examples of what takes whole files


def fuzz(examples: int, *strategies: Any, **named: Any) -> Callable[[Any], Any]:
    """Run with so many examples, the same ones each time."""
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]

    def wrap(test: Any) -> Any:
        chosen = settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=quiet)
        return chosen(given(*strategies, **named)(test))

    return wrap


def ask(parser: Parser, value: Any) -> None:
    try:
        found = parser.call(value)
    except parser.errors as error:
        if len(str(error)) > LONGEST_ERROR:
            raise AssertionError(f"an error of {len(str(error))} characters") from None
        return
    assert parser.check(value, found), (value, found)


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_answers_or_raises_its_own_error(name: str) -> None:
    fuzz(FEW, PARSERS[name].given)(lambda value: ask(PARSERS[name], value))()


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_answers_or_raises_its_own_error_many_times(name: str) -> None:
    fuzz(MANY, PARSERS[name].given)(lambda value: ask(PARSERS[name], value))()


@fuzz(
    FEW,
    st.dictionaries(
        st.binary(max_size=12) | st.sampled_from([b"v", b"seq", b"attempt.1", b"run.x", b"notify"]), st.binary(max_size=20)
    ),
)
def test_a_record_of_redis_is_read_whatever_stands_in_it(raw: dict[bytes, bytes]) -> None:
    ours = {b"v": b"1", b"id": b"x", b"status": b"failed", b"operation": b"x", b"queue": b"q", b"priority": b"low"}
    job = Job.from_hash(ours | raw, "x")
    assert job is None or (job.id == "x" and job.status in STATUSES and fields_of(raw) is not None)
    if job is not None:
        job.to_dict()


@fuzz(FEW, st.lists(ODD | st.datetimes().map(lambda t: f"{t:%m/%d/%Y %I:%M:%S %p} +0000") | st.datetimes().map(str), max_size=20))
def test_columns_of_dates_are_read_row_by_row_and_never_guessed(texts: list[str]) -> None:
    column = pa.array(texts, pa.string())
    for parse in (parse_instants, parse_days):
        assert len(parse(column)) == len(texts)
        assert [one.as_py() for one in parse(column)] == [parse(pa.array([text], pa.string()))[0].as_py() for text in texts]


def read(data: bytes) -> None:
    """Inspect and read a file, as the API and the load do: both refuse it in the same words, or both take it."""
    judged: list[str] = []
    for look in (_inspect, _read):
        try:
            look(data)
        except UnreadableFile as error:
            judged.append(str(error))
    assert len(judged) != 1 or look is _read, judged


def _inspect(data: bytes) -> None:
    inspector = Inspector()
    for at in range(0, len(data), 7):
        inspector.feed(data[at : at + 7])
    inspector.end()


def _read(data: bytes) -> None:
    clean(read_incidents(io.BytesIO(data)), ZONE)


@fuzz(SHORT * 3, st.binary(max_size=300) | ODD.map(lambda odd: csv_file(row(), header=HEADER[:40] + odd + HEADER[40:])))
def test_any_bytes_are_a_file_or_refused(data: bytes) -> None:
    read(data)


@fuzz(
    SHORT * 2,
    st.lists(
        st.tuples(st.sampled_from(["published", "issue", "location", "latitude", "longitude", "address", "status_date"]), ODD),
        min_size=1,
        max_size=4,
    ),
)
def test_a_csv_with_odd_cells_is_read_or_refused(cells: list[tuple[str, str]]) -> None:
    read(csv_file(row(), *(row(**{name: '"' + odd.replace('"', '""') + '"'}) for name, odd in cells)))


@fuzz(
    SHORT * 2,
    st.lists(
        st.dictionaries(st.sampled_from(["published_date", "issue_reported", "address", "location", "x"]), JSON), max_size=4
    ),
)
def test_json_of_anything_is_read_or_refused(records: list[dict[str, Any]]) -> None:
    import json

    read(json.dumps(records).encode("utf-8", "surrogatepass"))
    read("\n".join(map(json.dumps, records)).encode())


@fuzz(FEW, st.lists(st.lists(ODD | st.integers() | st.none(), min_size=1, max_size=4), max_size=5))
def test_cells_written_as_csv_never_begin_a_formula(rows: list[list[Any]]) -> None:
    import csv

    for cells in csv.reader(io.StringIO(csv_bytes(rows).decode(), newline="")):
        assert not any(re.match(r"[=+@\t\r]", cell) for cell in cells if not re.fullmatch(r"[+-]?\d+", cell))


@fuzz(
    FEW,
    st.lists(
        st.sampled_from(["wait=5", 'wait = "7"', "respond-async", "wait=99999999999", "wait=-1", "wait=²"]) | ODD, max_size=4
    ),
)
def test_a_preference_is_a_wait_of_bounded_length_and_never_an_error(words: list[str]) -> None:
    values = [word.encode("latin-1", "ignore").decode("latin-1").replace("\r", "").replace("\n", "") for word in words]
    with Flask("plain").test_request_context("/", headers=[("Prefer", value) for value in values]):
        assert 0 <= wanted_wait() <= LONGEST_WAIT


@fuzz(FEW, ODD | st.from_regex(ID))
def test_ids_are_of_letters_and_digits_in_ascii(text: str) -> None:
    assert (ID.match(text) is not None) == (
        0 < len(text) <= 64 and text.isascii() and text.replace("-", "a").replace("_", "a").isalnum()
    )


@fuzz(FEW, st.floats(allow_nan=False))
def test_any_score_makes_a_cursor_that_is_taken(score: float) -> None:
    check_cursor(listing._place(score))
