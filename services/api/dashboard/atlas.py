"""What maps of all days have in common: the piece of the earth they show, where incidents ever were, and the commonest kinds.

It takes a look at the whole table, once for each version of the data in a process. North is up, and a kilometre is as long
either way: over a city the earth is flat enough for that.
"""

import base64
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lib.arrays import Floats, Integers
from lib.columns import Coded
from lib.places import METRES_EAST, METRES_NORTH

WIDTH = 800  # units of the drawing
KINDS = 6  # kinds with a colour and a shape of their own
_CELLS = 220  # of the ground from side to side
_OUTLIERS = 0.001  # share of the incidents at each side that may lie outside of the map
_LEAST = 0.02  # degrees that a map shows at least
_MARGIN = 0.03
_GREY, _FAINTEST, _STRONGEST = 128, 50, 190  # grey that shows on light and dark; opacity of cells of 255


@dataclass(frozen=True)
class Atlas:
    """The frame of every map of one version of the data.

    Args:
        north, west: degrees of the upper left corner.
        high: units of the drawing from north to south; WIDTH from west to east.
        metres: that one unit is long.
        ground: a picture of where incidents were, as a data URI; empty where none has a place.
        kinds: the commonest kinds of incident, the first one the commonest.
        days: every local day that has an incident, in order.
    """

    north: float
    west: float
    high: float
    metres: float
    ground: str
    kinds: Sequence[str]
    days: Sequence[str]

    def place(self, latitude: Floats, longitude: Floats) -> tuple[Floats, Floats]:
        """Units east and south of the corner; NaN where a place is not known."""
        return (longitude - self.west) * METRES_EAST / self.metres, (self.north - latitude) * METRES_NORTH / self.metres


_known: tuple[str, Atlas] | None = None


def atlas_of(table: pa.Table, version: str) -> Atlas:
    """The atlas of the incidents of a version."""
    global _known
    known = _known
    if known is None or known[0] != version:
        known = _known = (version, made(table))
    return known[1]


def made(table: pa.Table) -> Atlas:
    """The atlas of a table."""
    latitude, longitude = degrees(table)
    kinds, days = Coded.of(table["issue"].combine_chunks()), Coded.of(table["date"].combine_chunks())
    counts = kinds.counts()
    commonest = [kinds.values[int(at)].as_py() for at in np.argsort(-counts, kind="stable")[:KINDS] if counts[at]]
    located = ~(np.isnan(latitude) | np.isnan(longitude))
    names = days.values.to_pylist()
    if not located.any():
        return Atlas(0.0, 0.0, 0.0, 1.0, "", commonest, names)
    south, north = _span(latitude[located])
    west, east = _span(longitude[located])
    metres = (east - west) * METRES_EAST / WIDTH
    high = (north - south) * METRES_NORTH / metres
    if high > WIDTH * 1.25:  # a narrow strip is made wider
        metres, middle = metres * high / (WIDTH * 1.25), (west + east) / 2
        high = WIDTH * 1.25
        west = middle - metres * WIDTH / METRES_EAST / 2
    empty = Atlas(north, west, high, metres, "", commonest, names)
    x, y = empty.place(latitude[located], longitude[located])
    return Atlas(north, west, high, metres, ground(x, y, high), commonest, names)


def degrees(table: pa.Table) -> tuple[Floats, Floats]:
    """Latitudes and longitudes, NaN where they are not known."""
    latitude, longitude = (table[name].to_numpy(zero_copy_only=False) for name in ("latitude", "longitude"))
    return latitude, longitude


def _span(values: Floats) -> tuple[float, float]:
    low, high = (float(each) for each in np.quantile(values, [_OUTLIERS, 1 - _OUTLIERS]))
    margin = max((high - low) * _MARGIN, (_LEAST - (high - low)) / 2)
    return low - margin, high + margin


def ground(x: Floats, y: Floats, high: float) -> str:
    """Where the places lie, cell by cell, as the data URI of a PNG of greys: the more there are, the less they let through."""
    side = WIDTH / _CELLS
    down = max(1, int(np.ceil(high / side)))
    column, row = np.floor(x / side).astype(np.int64), np.floor(y / side).astype(np.int64)
    inside = (column >= 0) & (column < _CELLS) & (row >= 0) & (row < down)
    counts = np.bincount(row[inside] * _CELLS + column[inside], minlength=down * _CELLS).reshape(down, _CELLS)
    share = np.log1p(counts) / max(1e-9, float(np.log1p(counts.max())))
    opacity = np.where(counts > 0, _FAINTEST + (_STRONGEST - _FAINTEST) * share, 0)
    return "data:image/png;base64," + base64.b64encode(_png(opacity.astype(np.int64))).decode()


def _png(opacity: Integers) -> bytes:
    """A PNG of one grey with these opacities, 0 to 255."""
    high, wide = opacity.shape
    pixels = np.zeros((high, 1 + 2 * wide), np.uint8)  # a row opens with its filter, which is none
    pixels[:, 1::2], pixels[:, 2::2] = _GREY, opacity

    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", wide, high, 8, 4, 0, 0, 0)
    body = zlib.compress(pixels.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", body) + part(b"IEND", b"")
