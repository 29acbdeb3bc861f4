"""Which parser may raise what, and what it is given: `PARSERS`, by name."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hypothesis import strategies as st
from pydantic import ValidationError

from lib import origin
from lib.bodies import operation_of, operation_of_message
from lib.dates import check_day
from lib.egress import Egress, Refused, check_allowed
from lib.errors import InvalidInput
from lib.failures import _place as cursor_of_retries
from lib.failures import check_fingerprint
from lib.filters import Filters
from lib.foreign import decode
from lib.reading import iso, number_of
from lib.records import check_cursor
from lib.recurrence import NAMED, Recurrence
from lib.settings import Settings, SettingsError, load_settings
from lib.signing import secrets_of
from lib.sources import check_source
from lib.submission import Submission
from lib.unpickle import UnreadableEntry
from lib.zones import check_zone
from services.api.entries import place_of, shown
from services.api.queries import DataQuery, JobsQuery, LogQuery

ODD = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    ["²", "٣", "1e400", "0x10", "-0", "nan", "inf", "1_000", "\x00", "﻿", "‮", "9" * 400, " 1", "1\n", "𝟙", "+1", "%00", "../.."]
)


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
