"""Everything that reads what others wrote, with any input: an answer, or the one error that it declares.

One table says which parser may raise what; the slow tests run it with five times as many examples, `make fuzz` with fifty.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lib import listing, origin
from lib.bodies import operation_of, operation_of_message
from lib.cleaning import clean
from lib.csv_text import csv_bytes
from lib.dates import check_day, parse_days, parse_instants
from lib.egress import Egress, Refused, check_allowed
from lib.errors import InvalidInput, UnreadableFile
from lib.failures import _place as cursor_of_retries
from lib.failures import check_fingerprint
from lib.filters import Filters
from lib.foreign import decode
from lib.incidents_beginning import Inspector
from lib.incidents_file import read_incidents
from lib.reading import fields_of, iso, number_of
from lib.records import ID, Job, check_cursor
from lib.recurrence import NAMED, Recurrence
from lib.settings import Settings, SettingsError, load_settings
from lib.signing import secrets_of
from lib.sources import check_source
from lib.states import STATUSES
from lib.submission import Submission
from lib.unpickle import UnreadableEntry
from lib.zones import check_zone
from services.api.entries import place_of, shown
from services.api.preferences import LONGEST_WAIT, wanted_wait
from services.api.queries import DataQuery, JobsQuery, LogQuery
from tests.examples import many
from tests.unit.incident_files import HEADER, ZONE, csv_file, row

FEW = 60
MANY = 3 * many(100)
PATIENCE = 120 + MANY // 3  # seconds, for the slowest of them on the slowest machine
LONGEST_ERROR = 20_000  # characters
SHORT = 12  # examples of what takes whole files
ODD = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    ["²", "٣", "1e400", "0x10", "-0", "nan", "inf", "1_000", "\x00", "﻿", "‮", "9" * 400, " 1", "1\n", "𝟙", "+1", "%00", "../.."]
)


def fuzz(examples: int, *strategies: Any, **named: Any) -> Callable[[Any], Any]:
    """Run with so many examples, the same ones each time."""
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]

    def wrap(test: Any) -> Any:
        chosen = settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=quiet)
        return chosen(given(*strategies, **named)(test))

    return wrap


def of_pattern(text: str) -> Any:
    """What nearly has a form: its own, with something odd put in."""
    return st.builds(
        lambda good, odd, at: good[: at % (len(good) + 1)] + odd + good[at % (len(good) + 1) :],
        st.from_regex(text),
        ODD | st.just(""),
        st.integers(0, 99),
    )


@dataclass(frozen=True)
class Parser:
    """`errors` are those that it declares; `check` looks at its answer."""

    call: Callable[[Any], Any]
    errors: tuple[type[Exception], ...]
    given: Any
    check: Callable[[Any, Any], bool] = lambda given, found: True


NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.booleans() | st.none() | ODD
JSON = st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ODD, inner, max_size=4), max_leaves=12)
CRON = st.lists(
    st.from_regex(r"\A(\*|[0-9]{1,3}|[A-Z]{3}|L)(-[0-9]{1,2})?(/[0-9]{1,12})?(,[0-9]{1,2}){0,3}\Z"), min_size=5, max_size=5
)
CRON = CRON.map(" ".join) | st.sampled_from(sorted(NAMED)) | of_pattern(r"\A[0-9*/,-]{1,5}( [0-9*/,#LW-]{1,5}){4}\Z") | ODD
URLS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https", "HTTP", "file", "gopher", ""]),
    st.sampled_from(
        [
            "example.org",
            "127.1",
            "0x7f.1",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "[fe80::1%25lo]",
            "user@example.org",
            "example.org:99999",
            "example.org:0",
            "ⓔxample.org",
            "169.254.169.254",
            "localhost.",
            "a..b",
            "-a.org",
            "2130706433",
            "[v1.x]",
            "[",
            "",
        ]
    )
    | ODD,
    st.sampled_from(["", "/", "/a?b=c", "#f", "\\@evil", "/%0d%0aX: y", "?" + "x" * 3000]) | ODD,
    ODD | st.just(""),
)
PUBLIC = Egress()


def is_public(url: str, endpoint: Any) -> bool:
    """No address that is not public gets through, in whatever form, and nothing that could end a line."""
    return re.fullmatch(r"[!-~]+", endpoint.target + endpoint.host) is not None and urlsplit(url).scheme.lower() in (
        "http",
        "https",
    )


def times_are_in_order(given: Any, when: Recurrence) -> bool:
    first = when.next(1_700_000_000.0)
    return first is None or first > 1_700_000_000.0


PARSERS = {
    "day": Parser(
        check_day, (ValueError,), st.dates().map(str) | of_pattern(r"\A\d{4}-\d\d-\d\d\Z") | NUMBERS, lambda g, f: f == g
    ),
    "zone": Parser(
        check_zone, (ValueError,), ODD | st.sampled_from(["UTC", "../UTC", "/etc/passwd", "Europe", "posix/UTC", "a" * 5000])
    ),
    "cron": Parser(lambda words: Recurrence(words, None, "Europe/Berlin"), (InvalidInput,), CRON, times_are_in_order),
    "every": Parser(lambda n: Recurrence(None, n), (InvalidInput,), st.integers() | st.floats(), times_are_in_order),
    "webhook": Parser(PUBLIC.endpoint, (Refused,), URLS | ODD, is_public),
    "network": Parser(check_allowed, (ValueError,), ODD | st.ip_addresses().map(str) | of_pattern(r"\A[a-z.]{1,20}/?\d{0,3}\Z")),
    "source": Parser(check_source, (ValueError, Refused), URLS | ODD),
    "secret": Parser(
        secrets_of,
        (ValueError,),
        ODD | of_pattern(r"\Awhsec_[A-Za-z0-9+/]{20,60}={0,2}\Z"),
        lambda g, f: len(f) == len(g.split()),
    ),
    "cursor": Parser(check_cursor, (InvalidInput,), ODD | st.from_regex(r"\A\d{1,18}\Z"), lambda g, f: int(g) < 10**16),
    "cursor of retries": Parser(cursor_of_retries, (InvalidInput,), ODD | of_pattern(r"\A\d{1,20}-\d{1,12}\.\d{1,6}\Z")),
    "fingerprint": Parser(check_fingerprint, (InvalidInput,), ODD | of_pattern(r"\A[0-9a-f]{16}\Z")),
    "traceparent": Parser(
        origin.checked,
        (),
        ODD | of_pattern(r"\A[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z"),
        lambda g, f: f is None or re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", f) is not None,
    ),
    "Last-Event-ID": Parser(
        place_of, (), ODD | of_pattern(r"\A\d{1,20}-\d{1,20}\Z"), lambda g, f: f is None or place_of(shown(f)) == f
    ),
    "jobs query": Parser(
        lambda q: JobsQuery(**q), (ValidationError,), st.dictionaries(st.sampled_from(sorted(JobsQuery.model_fields)), NUMBERS)
    ),
    "log query": Parser(
        lambda q: LogQuery(**q), (ValidationError,), st.dictionaries(st.sampled_from(["after", "limit"]), NUMBERS)
    ),
    "data query": Parser(
        lambda q: DataQuery(**q), (ValidationError,), st.dictionaries(st.sampled_from(sorted(DataQuery.model_fields)), NUMBERS)
    ),
    "filters": Parser(
        lambda q: Filters(**q), (ValidationError,), st.dictionaries(st.sampled_from(sorted(Filters.model_fields)), JSON)
    ),
    "box": Parser(
        lambda v: Filters(bbox=v),
        (ValidationError,),
        st.lists(NUMBERS, max_size=5) | ODD,
        lambda g, f: f.bbox[0] <= f.bbox[2] and f.bbox[1] <= f.bbox[3] and max(map(abs, f.bbox)) <= 180,
    ),
    "body": Parser(operation_of, (InvalidInput,), JSON),
    "message": Parser(operation_of_message, (InvalidInput,), st.dictionaries(ODD, JSON)),
    "list entry": Parser(decode, (UnreadableEntry,), st.binary(max_size=80) | ODD.map(str.encode)),
    "job": Parser(
        lambda q: Submission("x", **q).check(1e9),
        (InvalidInput,),
        st.dictionaries(st.sampled_from(["id", "priority", "unique_key", "concurrency_key"]), ODD)
        | st.dictionaries(st.sampled_from(["timeout", "run_in", "run_at", "throttle", "debounce"]), st.floats()),
    ),
    "settings": Parser(
        lambda q: load_settings(**q),
        (SettingsError,),
        st.dictionaries(
            st.sampled_from(
                sorted(
                    set(Settings.model_fields) - {"data_file", "tokens_file", "data_cache", "operations_dir", "worker_state_dir"}
                )
            ),
            ODD,
            max_size=3,
        ),
    ),
    "count in Redis": Parser(number_of, (), st.binary(max_size=30) | st.none()),
    "time in Redis": Parser(iso, (), ODD | st.floats() | st.none()),
}


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
