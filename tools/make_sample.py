"""Writes an invented export in the shape, the proportions and the dirt of the portal's.

`python tools/make_sample.py --rows 20000` serves people without internet, the demo, the tests and the benchmark. The same
seed and number of rows give the same bytes; the file is written beside its place and renamed, so that a crash leaves no
half file. No row is real.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file, this folder alone is on the path

from tools.sample_shape import (
    AGENCIES,
    DISCONTINUED,
    HOUR_WEIGHTS,
    ISSUES,
    MONTH_WEIGHTS,
    STREETS,
    WEEKDAY_WEIGHTS,
    YEARS,
    ZONE,
)

Rng = np.random.Generator
# Share of the rows with each kind of dirt, as in the real slices. At least one row has it, however small the file.
CAPITALS = 0.31
ZERO_COORDINATES = 0.0015
LOST_POINT = 0.00025
EPOCH_STATUS = 0.00025
NULL_STATUS = 0.0002
DUPLICATES = 0.0002
POINT_FORM_FROM = np.datetime64("2024-01-01", "s")
POLL_SECONDS = 300
MICRO = 1_000_000


def _published(rng: Rng, rows: int) -> "np.ndarray[tuple[int], np.dtype[np.datetime64]]":
    """UTC instants whose local days and hours follow the traffic."""
    days = np.concatenate([np.arange(np.datetime64(first), np.datetime64(last)) for first, last, _ in YEARS])
    lengths = [int((np.datetime64(last) - np.datetime64(first)).astype(int)) for first, last, _ in YEARS]
    per_day = np.concatenate([np.full(length, share / length) for length, (_, _, share) in zip(lengths, YEARS, strict=True)])
    weekday = (days.astype("datetime64[D]").astype(int) + 3) % 7
    month = days.astype("datetime64[M]").astype(int) % 12
    weights = per_day * np.take(WEEKDAY_WEIGHTS, weekday) * np.take(MONTH_WEIGHTS, month)
    day = rng.choice(days.size, rows, p=weights / weights.sum())
    weekend = weekday[day] >= 5
    free, busy = (rng.choice(24, rows, p=_normal(HOUR_WEIGHTS[kind])) for kind in ("weekend", "weekday"))
    hours = np.where(weekend, free, busy)
    seconds = hours * 3600 + rng.integers(0, 3600, rows)
    local = pd.DatetimeIndex(days[day].astype("datetime64[s]") + seconds)
    zoned = local.tz_localize(ZONE, ambiguous=np.ones(rows, dtype=bool), nonexistent=pd.Timedelta(hours=1))
    return np.asarray(zoned.tz_convert("UTC").tz_localize(None).values.astype("datetime64[s]"))


def _normal(weights: "tuple[float, ...]") -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.asarray(weights) / sum(weights)


def _places(rng: Rng, rows: int) -> "tuple[np.ndarray, np.ndarray, pa.Array]":
    """Latitude and longitude in millionths, and the address: crossings in both orders, blocks, ranges, `-blk` forms."""
    names = pa.array([name for name, *_ in STREETS])
    line = np.array([numbers for _, *numbers in STREETS])
    popularity = _normal(tuple(line[:, 4]))
    first, second = rng.choice(len(STREETS), rows, p=popularity), rng.choice(len(STREETS), rows, p=popularity)
    second = np.where(second == first, (second + 1) % len(STREETS), second)
    crossing = rng.random(rows) < 0.42
    # A crossing has one place, whichever street is named first; a block lies along its street.
    low, high = np.minimum(first, second), np.maximum(first, second)
    along_crossing = ((low * 7919 + high * 104729) % 1000) / 1000
    block = (rng.beta(1.4, 2.2, rows) * 150).astype(int) * 100
    along = np.where(crossing, along_crossing, block / 15_000)
    base = np.where(crossing, low, first)
    latitude = line[base, 0] + along * line[base, 2] + np.where(crossing, 0, rng.normal(0, 3e-4, rows))
    longitude = line[base, 1] + along * line[base, 3] + np.where(crossing, 0, rng.normal(0, 3e-4, rows))

    street, other = names.take(pa.array(first)), names.take(pa.array(second))
    number = pa.array(block).cast(pa.string())
    upto = pa.array(block + rng.integers(1, 999, rows)).cast(pa.string())
    form = rng.random(rows)
    address = pc.case_when(
        pc.make_struct(pa.array(crossing), pa.array(form < 0.12), pa.array(form < 0.5)),
        pc.binary_join_element_wise(street, other, " & "),
        pc.binary_join_element_wise(number, "-blk ", street, ""),
        pc.binary_join_element_wise(number, "-", upto, " ", street, ""),
        pc.binary_join_element_wise(pa.array(block + rng.integers(0, 99, rows)).cast(pa.string()), street, " "),
    )
    address = pc.if_else(pa.array(rng.random(rows) < CAPITALS), pc.utf8_upper(address), address)
    return np.round(latitude * MICRO).astype(np.int64), np.round(longitude * MICRO).astype(np.int64), address


def _degrees(millionths: np.ndarray) -> pa.Array:
    return pa.array(millionths / MICRO).cast(pa.string())


def _date_text(instants: np.ndarray) -> pa.Array:
    return pc.strftime(pa.array(instants.astype("datetime64[s]")), format="%m/%d/%Y %I:%M:%S %p +0000")


def _report_ids(rng: Rng, published: np.ndarray) -> pa.Array:
    """`SHA1_ms` until 2019, `SHA1_s` until 2023, then `SHA1_s_traffic_incident`."""
    digests = rng.bytes(20 * published.size).hex().upper()
    sha = pa.array([digests[i : i + 40] for i in range(0, len(digests), 40)])
    seconds = published.astype("datetime64[s]").astype(np.int64)
    year = published.astype("datetime64[Y]").astype(int) + 1970
    stamp = pa.array(np.where(year < 2019, seconds * 1000, seconds)).cast(pa.string())
    ending = pc.if_else(pa.array(year >= 2023), "_traffic_incident", "")
    return pc.binary_join_element_wise(sha, "_", stamp, ending, "")


def _some(rng: Rng, rows: int, share: float, among: np.ndarray | None = None) -> np.ndarray:
    candidates = np.arange(rows) if among is None or not among.any() else np.flatnonzero(among)
    return rng.choice(candidates, min(candidates.size, max(1, round(rows * share))), replace=False)


def _issues(rng: Rng, published: np.ndarray) -> pa.Array:
    labels = list(ISSUES)
    chosen = rng.choice(len(labels), published.size, p=_normal(tuple(ISSUES.values())))
    labels_array = np.array(labels)
    text = labels_array[chosen]
    # The feed's own labels changed over the years: `zSTALLED VEHICLE` came first.
    for old, (new, since) in DISCONTINUED.items():
        text[(text == new) & (published < np.datetime64(since))] = old
    return pa.array(text)


def _statuses(rng: Rng, published: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Status and its instant: an incident leaves the feed at a poll; the youngest are still ACTIVE."""
    rows = published.size
    seconds = published.astype(np.int64)
    ended = seconds + rng.lognormal(7.6, 0.75, rows).astype(np.int64)
    ended = ended - ended % POLL_SECONDS + POLL_SECONDS + rng.integers(2, 5, rows)
    status = np.full(rows, "ARCHIVED", dtype=object)
    now = seconds.max() + POLL_SECONDS
    active = ended >= now
    active[np.argmax(seconds)] = True
    status[active] = "ACTIVE"
    ended[active] = now - now % POLL_SECONDS + 3
    status[_some(rng, rows, NULL_STATUS, ~active)] = None
    epoch = _some(rng, rows, EPOCH_STATUS, published < np.datetime64("2019-01-01"))
    ended[epoch] = ended[epoch] // 1000  # milliseconds taken for seconds: 1970
    return status, ended.astype("datetime64[s]")


def make_sample(rows: int, seed: int) -> pa.Table:
    """`rows` invented incidents under the portal's ten column names, every value as the text of the export."""
    if rows < 10:
        raise ValueError("a sample needs at least 10 rows")
    rng = np.random.default_rng(seed)
    published = _published(rng, rows)
    latitude, longitude, address = _places(rng, rows)
    zero = _some(rng, rows, ZERO_COORDINATES)
    latitude[zero], longitude[zero] = 0, 0
    lost = _some(rng, rows, LOST_POINT, latitude != 0)
    lat_text = np.asarray(_degrees(latitude).to_numpy(zero_copy_only=False), dtype=object)
    lat_text[lost] = [text.replace(".", "") for text in lat_text[lost]]
    lat, lon = pa.array(lat_text, pa.string()), _degrees(longitude)
    old_form = pc.binary_join_element_wise("(", lat, ",", lon, ")", "")
    new_form = pc.binary_join_element_wise("POINT (", lon, " ", lat, ")", "")
    location = pc.if_else(pa.array(published >= POINT_FORM_FROM), new_form, old_form)
    status, ended = _statuses(rng, published)
    table = pa.table(
        {
            "Traffic Report ID": _report_ids(rng, published),
            "Published Date": _date_text(published),
            "Issue Reported": _issues(rng, published),
            "Location": pc.if_else(pa.array(latitude == 0), None, location),
            "Latitude": lat,
            "Longitude": lon,
            "Address": address,
            "Status": pa.array(status, pa.string()),
            "Status Date": _date_text(ended),
            "Agency": pa.array(np.array(AGENCIES)[rng.choice(len(AGENCIES), rows, p=(0.82, 0.14, 0.04))]),
        }
    )
    order = rng.permutation(rows)
    twice = max(1, round(rows * DUPLICATES))
    order[rng.choice(rows - twice, twice, replace=False)] = order[-twice:]
    return table.take(pa.array(order))


def write(table: pa.Table, path: Path) -> None:
    """The table as CSV at `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        table.to_pandas().to_csv(part, index=False)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write an invented export of Austin's traffic incidents.")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=Path("data/atx_traffic.csv"))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    started = time.monotonic()
    write(make_sample(arguments.rows, arguments.seed), arguments.out)
    print(f"{arguments.out}: {arguments.rows:,} invented rows in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
