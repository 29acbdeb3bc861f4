"""Instants and days: the forms the portal and the course write them in, and local time with daylight saving.

Cleaning parses whole columns, operations check single days. Pure functions; a text that is no date becomes null for the
caller to count, never a guess.
"""

import datetime
import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lib.arrays import Days, Integers
from lib.columns import INSTANT, LABELS

# The feed began in 2017; what lies outside is a fault of units (1970) or of typing. The upper end keeps days in 16 bits.
EARLIEST, LATEST = "2000-01-01", "2080-01-01"
_PORTAL = "%m/%d/%Y %I:%M:%S %p %z"
_ISO = "%Y-%m-%dT%H:%M:%S%z"
_DAY = r"^\d{4}-\d{2}-\d{2}$"
_DAY_US = r"^(\d{2})/(\d{2})/(\d{4})$"
_ISO_PARTS = r"^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(\.\d{1,6})?\d*\s*(Z|[+-]\d{2}:?\d{2})?$"
# strptime turns 30 February into 1 March. These days do not exist; 29 February does every fourth year (2000 to 2079).
_NO_SUCH_DAY = (
    r"^0?2/(30|31)/|^(0?[469]|11)/31/|^0?2/29/\d\d(\d[13579]|[02468][26]|[13579][048])"
    r"|^\d{4}-(02-(30|31)|(0[469]|11)-31)|^\d\d(\d[13579]|[02468][26]|[13579][048])-02-29"
)


def parse_instants(texts: pa.Array) -> pa.Array:
    """Texts such as `04/30/2020 10:05:00 PM +0000` or ISO 8601 as timestamps in UTC; null where they are neither.

    A time without an offset is UTC, as the portal publishes it.
    """
    parsed = pc.strptime(texts, format=_PORTAL, unit="us", error_is_null=True)
    if parsed.null_count > texts.null_count:
        no_offset = pc.strptime(pc.binary_join_element_wise(texts, "+0000", " "), format=_PORTAL, unit="us", error_is_null=True)
        parsed = pc.coalesce(parsed, no_offset)
    if parsed.null_count > texts.null_count:
        parsed = pc.coalesce(parsed, _parse_iso(texts))
    return pc.if_else(_impossible(texts), pa.scalar(None, INSTANT), parsed).cast(INSTANT)


def _parse_iso(texts: pa.Array) -> pa.Array:
    def parts(group: str) -> pa.Array:
        return pc.replace_substring_regex(texts, pattern=_ISO_PARTS, replacement=group)

    def filled(group: int, default: str) -> pa.Array:
        text = parts(rf"\{group}")
        return pc.if_else(pc.equal(text, ""), default, text)

    offset = pc.if_else(pc.equal(filled(5, "Z"), "Z"), "+0000", filled(5, "Z"))
    whole = pc.binary_join_element_wise(parts(r"\1T\2"), filled(3, ":00"), offset, "")
    is_iso = pc.match_substring_regex(texts, _ISO_PARTS)
    seconds = pc.strptime(pc.if_else(is_iso, whole, None), format=_ISO, unit="us", error_is_null=True)
    fraction = pc.if_else(is_iso, pc.binary_join_element_wise("0", filled(4, ".0"), ""), "0").cast(pa.float64())
    micros = pc.round(pc.multiply(fraction, 1e6)).cast(pa.int64()).cast(pa.duration("us"))
    return pc.add(seconds.cast(INSTANT), micros)


def parse_days(texts: pa.Array) -> pa.Array:
    """Texts that are a day and no more (`2023-01-31`, `01/31/2023`) as date32; null otherwise."""
    iso = pc.replace_substring_regex(texts, pattern=_DAY_US, replacement=r"\3-\1-\2")
    iso = pc.if_else(pc.match_substring_regex(iso, _DAY), iso, None)
    parsed = pc.strptime(iso, format="%Y-%m-%d", unit="s", error_is_null=True)
    return pc.if_else(_impossible(iso), pa.scalar(None, parsed.type), parsed).cast(pa.date32())


def _impossible(texts: pa.Array) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(texts, _NO_SUCH_DAY), False)


def local_columns(published: pa.Array, days: pa.Array, timezone: str) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Local day (a dictionary in the order of time), hour and weekday of instants in UTC.

    Args:
        days: date32, the day of rows that have a day but no instant.
    """
    # pandas, not Arrow: it finds the zone in the tzdata package where the system has none.
    instants = pd.DatetimeIndex(published.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False), tz="UTC")
    local = instants.tz_convert(timezone).tz_localize(None)
    none = np.asarray(local.isna())
    day = np.asarray(local.values.astype("datetime64[D]"))
    given = days.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    day = np.where(none, given, day)
    no_day = np.isnat(day)
    distinct, codes = np.unique(day[~no_day], return_inverse=True)
    all_codes = np.zeros(day.size, np.int16)
    all_codes[~no_day] = codes
    date = pa.DictionaryArray.from_arrays(
        pa.array(all_codes, mask=no_day), pa.array(np.datetime_as_string(distinct), pa.string())
    )
    hour = pa.array(np.where(none, 0, local.hour).astype(np.int8), mask=none)
    return date.cast(LABELS), hour, pa.array(weekday_of(day).astype(np.int8), mask=no_day)


def weekday_of(days: Days) -> Integers:
    """The day of the week of each of some days (`datetime64[D]`), Monday is 0."""
    return (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday


def check_day(value: Any) -> str:
    """`value` itself if it is a day written 2023-01-31.

    Raises:
        ValueError: it is not; the message says what would be right.
    """
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        try:
            datetime.date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value} is no day of the calendar") from None
        return value
    raise ValueError(f"must be a day written year-month-day, such as 2023-01-31, not {value!r:.60}")
