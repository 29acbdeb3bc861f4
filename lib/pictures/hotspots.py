"""The map of hotspots: rings as large as their counts over the grey density of all incidents, with the city's box and a scale.

North is up, and nothing comes from a server of tiles. The first hotspots stand below with their addresses; a rank that finds
no free place at its ring is left out.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from lib.pictures.ground import CITY, Background, Window, on_map, window
from lib.pictures.placing import HIGH, Labels
from lib.pictures.sheet import ROOM, Caption, Sheet, empty
from lib.pictures.style import ACCENT, DENSITY, EDGE, GRID, INK, PAPER, SMALL, SOFT, WIDTH, Look
from lib.pictures.words import clean, counted, cut, number, width

LARGEST = 17.0
"""Radius of the largest ring in points; the others' areas go by their counts."""
LISTED, RANKED, DRAWN = 5, 25, 200
"""So many hotspots stand below with their addresses, so many have their rank on the map, and so many are drawn at all."""
STEP = SMALL * 1.45
RING: Look = {"facecolor": (*(int(ACCENT[place : place + 2], 16) / 255 for place in (1, 3, 5)), 0.55), "edgecolor": INK}
MILE = 1.609344


def hotspots(result: dict[str, Any], caption: Caption, background: Background | None) -> Sheet:
    """Draw `{"incident_count", "located", "cell_metres", "hotspots": [{"rank", "latitude", "longitude", "incident_count",
    "address"}]}` over all incidents."""
    title, total, found = "Where incidents are most frequent", result["incident_count"], result["hotspots"]
    if not found or not total:
        return empty(title, caption, total, "No incidents with a place in this choice")
    near = [spot for spot in found if on_map(spot["latitude"], spot["longitude"])]
    shown = near[:DRAWN]
    latitude, longitude = (np.array([spot[name] for spot in shown], dtype=np.float64) for name in ("latitude", "longitude"))
    view = window(latitude, longitude)
    scale = ROOM / view.wide  # points a kilometre
    high = view.high * scale
    listed = found[:LISTED]
    body = high + STEP * (6.9 if background is not None else 4.6) + STEP * len(listed)
    sheet = Sheet(
        title, caption, total, body, notes=_notes(result, len(found) - len(near), len(near) - len(shown)), summary=_summary(found)
    )
    axes = sheet.axes(EDGE, sheet.top, ROOM, high)
    axes.set_xlim(0, view.wide)
    axes.set_ylim(view.high, 0)
    axes.add_patch(Rectangle((0, 0), view.wide, view.high, facecolor="none", edgecolor=GRID, linewidth=1.5, clip_on=False))
    densest = _density(axes, view, background)
    labels = Labels(ROOM, high)
    _city(axes, view, labels, scale)
    counts = np.array([spot["incident_count"] for spot in shown], dtype=np.float64)
    most = float(max(spot["incident_count"] for spot in found))
    places, radii = view.place(latitude, longitude), LARGEST * np.sqrt(counts / most)
    _rings(axes, places, radii)
    _ranks(axes, places, shown[:RANKED], radii, labels, scale)
    y = _below(sheet, sheet.top + high + 8, scale, most, result.get("cell_metres", 100))
    if background is not None:
        y = _greys(sheet, y, densest, view.cell)
    _list(sheet, y, listed)
    return sheet


def _density(axes: Axes, view: Window, background: Background | None) -> int:
    """Draw the grey ground; its densest cell."""
    if background is None:
        return 0
    cells = view.density(background)
    densest = int(cells.max())
    if densest:
        extent = (0, cells.shape[1] * view.cell, cells.shape[0] * view.cell, 0)
        # Shaded here, cell by cell: matplotlib would shade every pixel.
        shades = DENSITY(np.log(np.maximum(cells, 1)) / np.log(max(densest, 2)), alpha=(cells > 0).astype(float), bytes=True)
        axes.imshow(shades, extent=extent, aspect="auto", interpolation="none")
        axes.set_xlim(0, view.wide)
        axes.set_ylim(view.high, 0)
    return densest


def _city(axes: Axes, view: Window, labels: Labels, scale: float) -> None:
    x, y = view.place(np.array([CITY[1], CITY[0]]), np.array([CITY[2], CITY[3]]))
    dashed: Look = {"facecolor": "none", "edgecolor": SOFT, "linewidth": 1.4, "linestyle": (0, (5, 3))}
    axes.add_patch(Rectangle((x[0], y[0]), x[1] - x[0], y[1] - y[0], **dashed))
    words = "Bounding box of Austin"
    left, up = x[0] * scale, y[0] * scale - 5
    if labels.take(left, up - HIGH, width(words)):
        axes.text(x[0], up / scale, words, color=SOFT, va="baseline")


def _rings(axes: Axes, places: Any, radii: Any) -> None:
    """Circles of so many points around places in the axes' units."""
    wide = 2 * np.asarray(radii)
    look: Look = {"units": "points", "offsets": np.column_stack(places), "offset_transform": axes.transData}
    axes.add_collection(EllipseCollection(wide, wide, np.zeros_like(wide), linewidth=1.1, zorder=3, **RING, **look))


def _ranks(axes: Axes, places: Any, spots: list[dict[str, Any]], radii: Any, labels: Labels, scale: float) -> None:
    for x, y, spot, radius in zip(*places, spots, radii, strict=False):  # the first ones
        text = str(spot["rank"])
        found = labels.beside(x * scale, y * scale, float(radius), text)
        if found is not None:
            inside = found == (x * scale, y * scale)
            halo = None if inside else {"facecolor": PAPER, "alpha": 0.75, "linewidth": 0, "pad": 0.5}
            axes.text(found[0] / scale, found[1] / scale, text, ha="center", va="center_baseline", bbox=halo, zorder=4)


def _below(sheet: Sheet, y: float, scale: float, most: float, metres: float) -> float:
    """The bar of kilometres, and rings of three sizes; where what follows may begin."""
    long = next(each for each in (50, 20, 10, 5, 2, 1, 0.5) if each * scale <= ROOM * 0.33 or each == 0.5)
    line: Look = {"color": INK, "transform": sheet.figure.transFigure, "linewidth": 1.8}
    for xs, ys in (((0, long), (8, 8)), ((0, 0), (3, 13)), ((long, long), (3, 13))):
        at = [(EDGE + 1 + x * scale) / WIDTH for x in xs], [1 - (y + each) / sheet.height for each in ys]
        sheet.figure.add_artist(Line2D(*at, **line))
    sheet.text(EDGE + long * scale + 10, y + 13, f"{long:g} km ({long / MILE:.1f} miles)", color=SOFT)
    sheet.text(EDGE + ROOM, y + 13, "North is up", color=SOFT, ha="right")
    y += STEP * 1.1
    sheet.text(EDGE, y + SMALL, f"Incidents within a cell of {metres:g} m", color=SOFT)
    y += STEP * 1.25
    sizes = sorted({max(1, round(most * share)) for share in (0.1, 0.4, 1)})
    x = EDGE + LARGEST
    axes = sheet.axes(0, y, WIDTH, 2 * LARGEST + 2)
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(2 * LARGEST + 2, 0)
    for size in sizes:
        radius = LARGEST * np.sqrt(size / most)
        _rings(axes, ([x], [LARGEST + 1]), [radius])
        sheet.text(x + radius + 6, y + LARGEST + 6, number(size), color=SOFT)
        x += radius + 6 + width(number(size)) + 24 + LARGEST
    return y + 2 * LARGEST + 6


def _greys(sheet: Sheet, y: float, densest: int, cell: float) -> float:
    """What the greys mean; where what follows may begin."""
    sheet.text(EDGE, y + SMALL, f"All incidents, in a cell of {number(cell * 1000)} m", color=SOFT)
    y += STEP * 1.15
    wide, high = 150.0, 14.0
    axes = sheet.axes(EDGE + width("1") + 8, y, wide, high)
    axes.imshow(np.linspace(0, 1, 64)[np.newaxis], cmap=DENSITY, extent=(0, 1, 0, 1), aspect="auto", interpolation="none")
    sheet.text(EDGE, y + high - 1, "1", color=SOFT)
    sheet.text(EDGE + width("1") + 16 + wide, y + high - 1, f"{number(max(densest, 2))} (logarithmic)", color=SOFT)
    return y + STEP * 1.2


def _list(sheet: Sheet, y: float, listed: list[dict[str, Any]]) -> None:
    """The first hotspots with their addresses."""
    for place, spot in enumerate(listed):
        count = number(spot["incident_count"])
        where = clean(spot.get("address") or f"{spot['latitude']:.4f}, {spot['longitude']:.4f}")
        line = y + SMALL + place * STEP
        sheet.text(EDGE, line, cut(f"{spot['rank']}  {where}", ROOM - width(count) - 14))
        sheet.text(EDGE + ROOM, line, count, ha="right")


def _notes(result: dict[str, Any], away: int, more: int) -> list[str]:
    placeless = result["incident_count"] - result.get("located", result["incident_count"])
    left_out = (
        (more, "hotspot", "after these"),
        (away, "hotspot", "far from Austin"),
        (placeless, "incident", "without a place"),
    )
    return [f"Not on the map: {counted(count, noun)} {why}" for count, noun, why in left_out if count]


def _summary(found: list[dict[str, Any]]) -> str:
    named = (f"{spot['rank']}: {clean(spot.get('address') or 'no address')}, {spot['incident_count']:,}" for spot in found[:10])
    return f"{counted(len(found), 'hotspot')} on a map of Austin. {'; '.join(named)}."
