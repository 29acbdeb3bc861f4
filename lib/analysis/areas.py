"""Where incidents happen: the cells of a grid with the most of them, and all within a distance of a point. They only read."""

import datetime
import itertools
from typing import Annotated, Any, TypedDict

import numpy as np
import pandas as pd
from pydantic import Field

from lib.analysis.geojson import feature_collection, point, polygon
from lib.analysis.pictures import KEPT, Pictures
from lib.analysis.ranking import Counts, top
from lib.arrays import Floats, Integers
from lib.columns import Coded
from lib.context import save_file
from lib.filters import EVERYTHING, Filters
from lib.jsonable import iso_utc
from lib.operations import operation
from lib.places import CELL_METRES, DEGREE_METRES, EARTH_METRES, METRES_EAST, METRES_NORTH, cell_middle, cells
from lib.selection import Rows

GEOJSON = "application/geo+json"


class Hotspot(TypedDict):
    """A cell of the grid by its middle, with the address and the issue that are most frequent in it."""

    rank: int
    latitude: float
    longitude: float
    incident_count: int
    share: float
    address: str | None
    issue: str | None


class Hotspots(TypedDict):
    incident_count: int
    located: int
    cell_metres: int
    hotspots: list[Hotspot]


class Neighbour(TypedDict):
    report_id: str
    published: str | None
    issue: str | None
    address: str | None
    latitude: float
    longitude: float
    distance_metres: float


class Nearby(TypedDict):
    latitude: float
    longitude: float
    radius_metres: float
    incident_count: int
    issues: Counts
    incidents: list[Neighbour]


@operation(title="Hotspots", example={"n": 10, "start": "2023-01-01", "end": "2023-12-31"})
def hotspots(
    df: pd.DataFrame,
    n: Annotated[int, Field(ge=1, le=500, description="How many cells.")] = 20,
    where: Filters = EVERYTHING,
    look: Pictures = KEPT,
) -> Hotspots:
    """The cells of a grid of 100 m by 100 m with the most incidents, as numbers, GeoJSON and a map.

    Equal cells are in the order of south to north, west to east. A crossing may lie on the edge of two cells.
    """
    rows = where.rows(df)
    grid = cells(rows.floats("latitude"), rows.floats("longitude"))
    located = int(np.count_nonzero(grid.codes >= 0))
    found = _hottest(rows, grid, n, located)
    result: Hotspots = {"incident_count": rows.count, "located": located, "cell_metres": CELL_METRES, "hotspots": found}
    save_file("hotspots.geojson", lambda: feature_collection((_square(each), dict(each)) for each in found), GEOJSON)
    look.keep("hotspots", result, df, where)
    return result


def _hottest(rows: Rows, grid: Coded, n: int, located: int) -> list[Hotspot]:
    counts, numbers = grid.counts(), grid.values.to_numpy(zero_copy_only=False).astype(np.int64)
    best = np.lexsort((numbers, -counts))[:n]
    addresses, issues = (_most_frequent(grid, best, labels) for labels in (rows.addresses(), rows.coded("issue")))
    found: list[Hotspot] = []
    for rank, code in enumerate(best, 1):
        latitude, longitude = cell_middle(int(numbers[code]))
        found.append(
            {
                "rank": rank,
                "latitude": latitude,
                "longitude": longitude,
                "incident_count": int(counts[code]),
                "share": round(int(counts[code]) / located, 6),
                "address": addresses[rank - 1],
                "issue": issues[rank - 1],
            }
        )
    return found


def _most_frequent(grid: Coded, best: Integers, labels: Coded) -> list[str | None]:
    """The most frequent label in each of the cells `best`, the first by name of equal ones; the rows are gone through once."""
    place = np.full(len(grid.values) + 1, -1)  # rows without a cell have the code -1
    place[best] = np.arange(best.size)
    cell = place[grid.codes]
    both = (cell >= 0) & (labels.codes >= 0)
    pairs, counts = np.unique(cell[both] * len(labels.values) + labels.codes[both], return_counts=True)
    edges = np.searchsorted(pairs, np.arange(best.size + 1) * len(labels.values))
    found: list[str | None] = []
    for first, last in itertools.pairwise(edges):
        most = pairs[first:last][counts[first:last] == counts[first:last].max(initial=0)] % max(len(labels.values), 1)
        found.append(min((labels.values[int(code)].as_py() for code in most), default=None))
    return found


def _square(spot: Hotspot) -> dict[str, Any]:
    north, east = CELL_METRES / 2 / METRES_NORTH, CELL_METRES / 2 / METRES_EAST
    return polygon(spot["longitude"] - east, spot["latitude"] - north, spot["longitude"] + east, spot["latitude"] + north)


@operation(title="Nearby", example={"latitude": 30.2672, "longitude": -97.7431, "radius": 250})
def nearby(
    df: pd.DataFrame,
    latitude: Annotated[float, Field(ge=-90, le=90, description="Degrees.")],
    longitude: Annotated[float, Field(ge=-180, le=180, description="Degrees.")],
    radius: Annotated[float, Field(gt=0, le=50_000, description="Metres.")] = 500,
    limit: Annotated[int, Field(ge=0, le=1_000, description="How many incidents to list, the nearest first.")] = 100,
    where: Filters = EVERYTHING,
) -> Nearby:
    """Incidents within a distance of a point: how many of each issue, and the nearest ones, also as GeoJSON.

    Distances are great circles on a sphere, 0.5 % off at most. Equal distances are in the order of time.
    """
    rows = where.rows(df)
    distances = _distances(rows, latitude, longitude, radius)
    inside = np.flatnonzero(distances <= radius)
    issues = rows.coded("issue")
    nearest = inside[np.argsort(distances[inside], kind="stable")][:limit]
    found = [_neighbour(line, distances[place]) for line, place in zip(_lines(rows, nearest), nearest, strict=True)]
    save_file(
        "nearby.geojson",
        lambda: feature_collection((point(each["longitude"], each["latitude"]), dict(each)) for each in found),
        GEOJSON,
    )
    return {
        "latitude": latitude,
        "longitude": longitude,
        "radius_metres": radius,
        "incident_count": int(inside.size),
        "issues": top(Coded(issues.codes[inside], issues.values)),
        "incidents": found,
    }


def _distances(rows: Rows, latitude: float, longitude: float, radius: float) -> Floats:
    """Metres from the point (haversine); infinite for what has no place or lies well outside."""
    lat, lon = rows.floats("latitude"), rows.floats("longitude")
    # A box around the circle, with a tenth to spare.
    near = np.flatnonzero(np.abs(lat - latitude) <= 1.1 * radius / DEGREE_METRES)
    phi, other = np.radians(lat[near]), np.radians(latitude)
    half = np.sin((phi - other) / 2) ** 2 + np.cos(phi) * np.cos(other) * np.sin(np.radians(lon[near] - longitude) / 2) ** 2
    distances = np.full(lat.size, np.inf)
    distances[near] = 2 * EARTH_METRES * np.arcsin(np.sqrt(np.minimum(half, 1)))
    return np.where(np.isnan(distances), np.inf, distances)


def _lines(rows: Rows, places: Integers) -> list[dict[str, Any]]:
    """Some columns of some rows, as plain values."""
    names = ("report_id", "published", "issue", "address", "latitude", "longitude")
    columns = [rows.array(name).take(places).to_pylist() for name in names]
    return [dict(zip(names, line, strict=True)) for line in zip(*columns, strict=True)]


def _neighbour(line: dict[str, Any], distance: float) -> Neighbour:
    instant = line["published"]
    return {
        "report_id": line["report_id"],
        "published": iso_utc(instant) if isinstance(instant, datetime.datetime) else instant,
        "issue": line["issue"],
        "address": line["address"],
        "latitude": line["latitude"],
        "longitude": line["longitude"],
        "distance_metres": round(float(distance), 1),
    }
