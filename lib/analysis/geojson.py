"""GeoJSON (RFC 7946): longitude first, WGS 84, rings counterclockwise. Pure."""

from collections.abc import Iterable
from typing import Any

import orjson

DIGITS = 6  # of degrees: a tenth of a metre


def point(longitude: float, latitude: float) -> dict[str, Any]:
    """A place."""
    return {"type": "Point", "coordinates": [round(longitude, DIGITS), round(latitude, DIGITS)]}


def polygon(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """A box."""
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [[[round(x, DIGITS), round(y, DIGITS)] for x, y in corners]]}


def feature_collection(features: Iterable[tuple[dict[str, Any], dict[str, Any]]]) -> bytes:
    """Geometries with their properties, as the bytes of a file."""
    made = [{"type": "Feature", "geometry": geometry, "properties": properties} for geometry, properties in features]
    return orjson.dumps({"type": "FeatureCollection", "features": made})
