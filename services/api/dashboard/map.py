"""A map of the incidents of one local day, drawn on the server, with the hours of the day and a list.

With scripts it can be enlarged and moved, and hours can be chosen; the drawing is the same.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from flask import Response, request

from lib.arrays import Integers
from lib.columns import Coded
from lib.dates import check_day
from lib.errors import NoData
from services.api.backend import backend
from services.api.dashboard.atlas import WIDTH, Atlas, atlas_of, degrees
from services.api.dashboard.pages import blueprint, page, render
from services.api.dashboard.words import zone_of
from services.api.tokens import Role

MOST = 500  # incidents that are drawn, and listed
OTHER = "other"
_NOWHEN = -1  # the hour of an incident of which only the day is known
_SCALES = (50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1)  # kilometres


@dataclass(frozen=True)
class Point:
    """One incident of the day: where it is drawn, None where it is not; its kind as a number of the legend."""

    time: str
    hour: int
    issue: str
    address: str
    kind: int
    place: tuple[float, float] | None


@dataclass(frozen=True)
class Day:
    """A day's incidents: the first MOST of them, and how many there are, in each hour, of each kind, outside of the map."""

    points: Sequence[Point]
    total: int
    hours: Sequence[int]
    kinds: Sequence[tuple[str, int]]
    placeless: int
    outside: int


@blueprint.get("/map", endpoint="map")
@page(role=Role.VIEW)
def map_of_a_day() -> Response:
    """The incidents of a day; of the last one with data by default."""
    try:
        table, version = backend().table()
    except NoData:
        return render("map.html", atlas=None)
    atlas = atlas_of(table, version)
    wanted, wrong = request.args.get("day", "").strip(), ""
    try:
        chosen = check_day(wanted) if wanted else ""
    except ValueError as error:
        chosen, wrong = "", f"{str(error)[:1].upper()}{str(error)[1:]}."
    shown = chosen or (atlas.days[-1] if atlas.days else "")
    at = bisect_left(atlas.days, shown)
    there = at < len(atlas.days) and atlas.days[at] == shown
    after = at + 1 if there else at
    return render(
        "map.html",
        atlas=atlas,
        width=WIDTH,
        shown=shown,
        day=day_of(table, atlas, shown),
        wrong=wrong,
        wanted=wanted[:40] if wrong else shown,
        previous=atlas.days[at - 1] if at else None,
        following=atlas.days[after] if after < len(atlas.days) else None,
        most=MOST,
        scale=scale_of(atlas),
        scales=_SCALES,
    )


def day_of(table: pa.Table, atlas: Atlas, day: str) -> Day:
    """What is shown of a local day."""
    dates = Coded.of(table["date"].combine_chunks())
    known = dates.values.to_pylist()
    rows = np.flatnonzero(dates.codes == known.index(day)) if day in known else np.array([], np.int64)
    found = table.select(["published", "hour", "issue", "address_raw", "latitude", "longitude"]).take(pa.array(rows))
    x, y = atlas.place(*degrees(found))
    placeless = np.isnan(x) | np.isnan(y)
    inside = ~placeless & (x >= 0) & (x <= WIDTH) & (y >= 0) & (y <= atlas.high)
    numbers = {name: number for number, name in enumerate(atlas.kinds)}
    issues = found["issue"].to_pylist()
    kinds = [numbers.get(name, len(atlas.kinds)) for name in issues]
    counts: Integers = np.bincount(np.array(kinds, np.int64), minlength=len(atlas.kinds) + 1)
    hours = found["hour"].fill_null(_NOWHEN).to_numpy()
    return Day(
        _points(found.slice(0, MOST), kinds, x, y, inside),
        len(rows),
        np.bincount(hours[hours >= 0], minlength=24).tolist(),
        [(name, int(count)) for name, count in zip([*atlas.kinds, OTHER], counts, strict=True)],
        int(placeless.sum()),
        int((~placeless & ~inside).sum()),
    )


def _points(found: pa.Table, kinds: Sequence[int], x: Any, y: Any, inside: Any) -> list[Point]:
    zone = zone_of(backend().settings.timezone)
    return [
        Point(
            "" if row["published"] is None else f"{row['published'].astimezone(zone):%H:%M}",
            _NOWHEN if row["hour"] is None else row["hour"],
            row["issue"] or "",
            row["address_raw"] or "",
            kinds[at],
            (round(float(x[at]), 1), round(float(y[at]), 1)) if inside[at] else None,
        )
        for at, row in enumerate(found.to_pylist())
    ]


def scale_of(atlas: Atlas) -> tuple[float, float]:
    """The length of the bar that tells the scale, in kilometres and in units: at most a third of the map."""
    unit = atlas.metres / 1000
    kilometres = next((each for each in _SCALES if each / unit <= WIDTH / 3), _SCALES[-1])
    return kilometres, kilometres / unit
