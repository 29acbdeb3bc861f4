"""The ground of a map: which piece of the earth it shows, in kilometres, and how dense incidents lie there.

A place is `(x, y)`: kilometres east and south of the window's upper left corner. Over a city the earth is flat enough for a
degree of longitude to be a degree of latitude by the cosine of the middle's latitude, so a kilometre is as long either way.
"""

import math
from dataclasses import dataclass

import numpy as np

from lib.arrays import Floats, Integers
from lib.places import DEGREE_METRES, LATITUDES, LONGITUDES

# South, north, west, east of the City of Austin's boundary: relation 113314 of OpenStreetMap, the `boundingbox` of Nominatim.
CITY = (30.0985133, 30.5166255, -97.9367663, -97.5605288)
KILOMETRES = DEGREE_METRES / 1000
"""A degree of a great circle."""
MARGIN = 0.05
"""Free space beside what is shown, as a share of the longer side: more than the radius of a ring."""
CELLS, MOST_CELLS = (0.25, 0.5, 1.0, 2.0, 5.0), 400
"""Sides of a cell of the density in kilometres: the least of which a window has at most so many a side."""
SHAPES = 0.7, 1.35
"""Least and greatest height of a window for its width."""


@dataclass(frozen=True, eq=False)
class Background:
    """Degrees of all incidents, NaN where they are not known; one entry each in both."""

    latitude: Floats
    longitude: Floats


@dataclass(frozen=True)
class Window:
    """What a map shows: its upper left corner in degrees, and its size in kilometres."""

    north: float
    west: float
    wide: float
    high: float
    cosine: float

    @property
    def cell(self) -> float:
        """Side of a cell of the density, in kilometres."""
        return next(side for side in CELLS if side * MOST_CELLS >= max(self.wide, self.high))

    def place(self, latitude: Floats, longitude: Floats) -> tuple[Floats, Floats]:
        """Kilometres east and south of the corner."""
        return (longitude - self.west) * KILOMETRES * self.cosine, (self.north - latitude) * KILOMETRES

    def density(self, ground: Background) -> Integers:
        """Incidents in each cell, rows from north to south."""
        across, down = math.ceil(self.wide / self.cell), math.ceil(self.high / self.cell)
        x, y = self.place(ground.latitude, ground.longitude)
        with np.errstate(invalid="ignore"):
            column, row = x / self.cell, y / self.cell
            inside = (column >= 0) & (column < across) & (row >= 0) & (row < down)  # NaN is not inside
        flat = row[inside].astype(np.int64) * across + column[inside].astype(np.int64)
        return np.bincount(flat, minlength=across * down).reshape(down, across)


def on_map(latitude: float, longitude: float) -> bool:
    """Whether a place lies where incidents of the city may lie; others would make a map of the world."""
    return LATITUDES[0] <= latitude <= LATITUDES[1] and LONGITUDES[0] <= longitude <= LONGITUDES[1]


def window(latitudes: Floats, longitudes: Floats) -> Window:
    """The city's box and the places given, with a margin; what is too long for a picture is made wider."""
    south, north = min(CITY[0], *latitudes, math.inf), max(CITY[1], *latitudes, -math.inf)
    west, east = min(CITY[2], *longitudes, math.inf), max(CITY[3], *longitudes, -math.inf)
    cosine = math.cos(math.radians((south + north) / 2))
    wide, high = (east - west) * KILOMETRES * cosine, (north - south) * KILOMETRES
    left = above = max(wide, high) * MARGIN
    wide, high = wide + 2 * left, high + 2 * above
    if high > wide * SHAPES[1]:
        left, wide = left + (high / SHAPES[1] - wide) / 2, high / SHAPES[1]
    if high < wide * SHAPES[0]:
        above, high = above + (wide * SHAPES[0] - high) / 2, wide * SHAPES[0]
    return Window(north + above / KILOMETRES, west - left / KILOMETRES / cosine, wide, high, cosine)
