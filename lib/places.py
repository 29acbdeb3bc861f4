"""Where an incident was: coordinates in the forms of the portal, addresses in one spelling a place, cells of a grid.

Cleaning calls it for whole columns; what looks for a road normalises it in the same way. Pure functions.
"""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lib.arrays import Floats, Mask
from lib.columns import CODES, Coded, coded, find

# Wide around Austin and the counties that feed it (the true ones lie in 30.0 to 30.8 and -98.3 to -97.3).
LATITUDES, LONGITUDES = (29.0, 31.6), (-99.2, -96.2)
# Length of a degree of the WGS 84 ellipsoid at 30.27 degrees north, in metres; 0.4 % off at most within the limits above.
METRES_NORTH, METRES_EAST = 110_857.0, 96_226.0
EARTH_METRES = 6_371_008.8  # mean radius (IUGG) of the sphere on which distances are measured
DEGREE_METRES = EARTH_METRES * math.pi / 180  # of one of its great circles
CELL_METRES = 100
_ROW = 1_000_000  # more cells than lie on a circle around the earth
_NUMBER = r"[+-]?\d+\.?\d*"
_PAIR = rf"^\(?\s*(?P<lat>{_NUMBER})\s*,\s*(?P<lon>{_NUMBER})\s*\)?$"
_POINT = rf"(?i)^POINT\s*\(\s*(?P<lon>{_NUMBER})\s+(?P<lat>{_NUMBER})\s*\)$"
Add = Callable[[str, str, Mask], None]


def clean_coordinates(latitude: pa.Array, longitude: pa.Array, point: pa.Array, add: Add) -> tuple[pa.Array, pa.Array]:
    """Latitude and longitude in degrees, both null where they cannot be Austin; what has none takes it from `point`.

    Args:
        latitude, longitude, point: the texts of the file.
        add: called as (column, reason, mask of rows) for every reason to make them null.
    """
    lat, lon = _number(latitude), _number(longitude)
    unread = _true(pc.or_(pc.and_(latitude.is_valid(), lat.is_null()), pc.and_(longitude.is_valid(), lon.is_null())))
    half = _true(pc.xor(lat.is_null(), lon.is_null()))
    missing = pc.or_(lat.is_null(), lon.is_null())
    if point.null_count < len(point) and pc.any(missing).as_py():
        from_point = parse_points(pc.if_else(missing, point, None))
        lat, lon = (pc.if_else(missing, other, own) for own, other in zip((lat, lon), from_point, strict=True))
    absent = _true(pc.or_(lat.is_null(), lon.is_null()))
    unread &= absent
    half &= absent & ~unread
    zero = _true(pc.and_(pc.equal(lat, 0), pc.equal(lon, 0)))
    no_point = _true(pc.or_(pc.greater(pc.abs(lat), 180), pc.greater(pc.abs(lon), 180)))
    outside = _true(pc.or_(_outside(lat, LATITUDES), _outside(lon, LONGITUDES))) & ~zero & ~no_point
    for reason, mask in (
        ("(0, 0)", zero),
        ("the decimal point is lost", no_point),
        ("not near Austin", outside),
        ("not a number", unread),
        ("only one of the two", half),
    ):
        add("coordinates", reason, mask)
    bad = pa.array(zero | no_point | outside | unread | half)
    none = pa.scalar(None, pa.float64())
    return pc.if_else(bad, none, lat), pc.if_else(bad, none, lon)


def _true(mask: pa.Array) -> Mask:
    return np.array(pc.fill_null(mask, False).to_numpy(zero_copy_only=False))


def _outside(values: pa.Array, limits: tuple[float, float]) -> pa.Array:
    return pc.or_(pc.less(values, limits[0]), pc.greater(values, limits[1]))


def _number(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(texts, f"^{_NUMBER}$"), texts, None).cast(pa.float64())


def parse_points(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Latitude and longitude of `(lat,lon)` and `POINT (lon lat)`, which has them the other way round; null otherwise."""
    pair, point = pc.extract_regex(texts, _PAIR), pc.extract_regex(texts, _POINT)
    lat, lon = (pc.coalesce(pc.struct_field(pair, name), pc.struct_field(point, name)) for name in ("lat", "lon"))
    return lat.cast(pa.float64()), lon.cast(pa.float64())


def point_texts(latitude: pa.Array, longitude: pa.Array) -> pa.Array:
    """`(lat,lon)`, null without coordinates."""
    pair = pc.binary_join_element_wise(latitude.cast(pa.string()), longitude.cast(pa.string()), ",")
    return pc.binary_join_element_wise("(", pair, ")", "").cast(pa.large_string())


def normalised_addresses(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """One spelling a place, as dictionary; and the file's own spelling. Coordinates are no address."""
    coordinates = pc.match_substring_regex(texts, rf"{_PAIR.replace('P<lat>', ':').replace('P<lon>', ':')}|(?i)^POINT\s*\(")
    raw = pc.if_else(pc.fill_null(coordinates, False), None, texts)
    spellings = raw.dictionary_encode()
    places = normalise(spellings.dictionary).dictionary_encode()
    codes = places.indices.take(spellings.indices)
    return pa.DictionaryArray.from_arrays(codes, places.dictionary).cast(CODES), raw.cast(pa.large_string())


def normalise(addresses: pa.Array) -> pa.Array:
    """Capitals, single blanks, blanks around `&`, and the streets of a crossing in the order of the alphabet."""
    plain = pc.utf8_trim_whitespace(_plain(addresses))
    streets = pc.split_pattern(plain, pattern=" & ")
    crossing = pc.equal(pc.list_value_length(streets), 2)
    both = pc.if_else(crossing, streets, pa.scalar(["", ""], streets.type))
    first, second = pc.list_element(both, 0), pc.list_element(both, 1)
    ordered = pc.binary_join_element_wise(pc.min_element_wise(first, second), pc.max_element_wise(first, second), " & ")
    return pc.if_else(crossing, ordered, plain)


def upper(text: str) -> str:
    """A text to look for in normalised addresses, with the blanks at its ends."""
    return str(_plain(pa.array([text]))[0])


def containing(values: pa.Array, text: str) -> Mask:
    """Which of the strings contain `text`, as pc.match_substring says, in half its time: all are searched as one."""
    found = np.zeros(len(values), dtype=bool)
    if not len(values) or values.buffers()[2] is None:
        return found
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    data, wanted = values.buffers()[2].to_pybytes()[offsets[0] : offsets[-1]], text.encode()
    ends = offsets[1:] - offsets[0]
    pieces = np.fromiter(map(len, data.split(wanted)), np.int64)[:-1]
    starts = np.cumsum(pieces + len(wanted)) - len(wanted)
    owner, last = (np.searchsorted(ends, place, side="right") for place in (starts, starts + len(wanted) - 1))
    found[owner[owner == last]] = True
    # A find that lies across several strings is none, and may hide one that begins within it.
    for first, final in zip(owner[owner != last], last[owner != last], strict=True):
        for index in range(first, final + 1):
            found[index] |= wanted in values[index].as_buffer().to_pybytes()
    return found


def normalised(df: pd.DataFrame) -> Coded:
    """Addresses in one spelling a place: those of our frame as they are, those of a foreign one normalised here."""
    addresses = coded(df, "address")
    if find(df.columns, "address") == "address" and find(df.columns, "address_raw"):
        return addresses
    places = normalise(addresses.values.cast(pa.string())).dictionary_encode()
    codes = np.append(places.indices.to_numpy(), -1)[addresses.codes]
    return Coded(codes, places.dictionary)


def along(addresses: Coded, road: str) -> Mask:
    """Which of the rows have a text in their address, whatever its case; `A & B` is looked for as A and B, `&` as a crossing."""
    streets = {each for each in upper(road).split(" & ") if each} or {" & "}
    left = np.arange(len(addresses.values))
    for street in sorted(streets, key=lambda each: (-len(each), each)):  # the longest leaves the least to look through
        left = left[containing(addresses.values.take(pa.array(left)), street)]
    found = np.zeros(len(addresses.values) + 1, dtype=bool)  # rows without an address have the code -1
    found[left] = True
    return np.asarray(np.take(found, addresses.codes))


def cells(latitude: Floats, longitude: Floats) -> Coded:
    """The cell of 100 m by 100 m that each point lies in, as a number of its own; none where a coordinate is NaN."""
    known = np.isfinite(latitude) & np.isfinite(longitude)
    north = np.floor(np.where(known, latitude, 0) * (METRES_NORTH / CELL_METRES)).astype(np.int64)
    east = np.floor(np.where(known, longitude, 0) * (METRES_EAST / CELL_METRES)).astype(np.int64)
    return Coded.of(pa.array(north * _ROW + east, mask=~known).dictionary_encode())


def cell_middle(cell: int) -> tuple[float, float]:
    """Latitude and longitude of a cell's middle in degrees, to a metre."""
    north, east = divmod(cell + _ROW // 2, _ROW)
    east -= _ROW // 2
    return round((north + 0.5) * CELL_METRES / METRES_NORTH, 5), round((east + 0.5) * CELL_METRES / METRES_EAST, 5)


def _plain(texts: pa.Array) -> pa.Array:
    spaced = pc.replace_substring_regex(pc.utf8_upper(texts), pattern=r"\s*&\s*", replacement=" & ")
    return pc.replace_substring_regex(spaced, pattern=r"\s+", replacement=" ")
