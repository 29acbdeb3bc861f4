"""The bytes of a picture: the same for the same input whatever the process did before, small, whole, and safe to show."""

import gc
import io
import multiprocessing
import os
import re
import sys
import threading
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lib.pictures import Background, draw
from tests.pictures.cases import CAPTION, CASES, LONG, ODD, ORDINARY, png_of, svg_of
from tests.pictures.results import issues

SVG = "{http://www.w3.org/2000/svg}"
MOST_BYTES = {"png": 250_000, "svg": 300_000}


def spoil() -> None:
    """What an operation of somebody's own may do to the process."""
    matplotlib.rcParams.update(
        {
            "font.size": 30, "font.family": "monospace", "axes.facecolor": "red", "svg.fonttype": "path", "savefig.dpi": 30,
            "figure.dpi": 20, "text.color": "green", "lines.linewidth": 9, "savefig.bbox": "tight", "axes.grid": True,
            "text.parse_math": True, "figure.autolayout": True, "xtick.labelsize": 3, "hatch.linewidth": 7,
        }
    )  # fmt: skip


@pytest.mark.parametrize("name", ORDINARY)
def test_the_same_input_gives_the_same_bytes_whatever_others_set(name: str) -> None:
    png = name in ("trend_week", "hotspots")
    before = png_of(name) if png else svg_of(name)
    with matplotlib.rc_context():
        spoil()
        picture = CASES[name].draw()
        after = picture.png() if png else picture.svg()

    assert before == after


def test_drawing_leaves_the_settings_of_the_process_as_they_were() -> None:
    with matplotlib.rc_context():
        spoil()
        before = matplotlib.rcParams.copy()  # reading the name of the backend would choose one
        CASES["trend_year"].draw().svg()
        assert matplotlib.rcParams.copy() == before
        with pytest.raises(KeyError):
            draw("trend", {"by": "day"}, CAPTION).png()
        assert matplotlib.rcParams.copy() == before


LARGE = ("trend_twenty_years_of_days", "anomalies_twenty_years", "hotspots_hundreds", "issues_sixty")


@pytest.mark.parametrize("name", [*sorted(set(ORDINARY) - {"trend_month", "trend_months", "trend_year"}), *LARGE])
def test_files_are_whole_and_small(name: str) -> None:
    png, svg = png_of(name), svg_of(name)

    assert (len(png) <= MOST_BYTES["png"], len(svg) <= MOST_BYTES["svg"]) == (True, True), (len(png), len(svg))
    with Image.open(io.BytesIO(png)) as image:
        assert (image.width, image.info["dpi"][0]) == (1280, pytest.approx(200, abs=0.1))
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
        assert set(image.info) == {"dpi", "Software", "Title", "Description"}  # no date
    root = xml.etree.ElementTree.fromstring(svg)
    title, said = root[0], root[1]
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", f"{title.get('id')} {said.get('id')}")
    assert (title.tag, said.tag) == (f"{SVG}title", f"{SVG}desc")
    assert title.text
    assert said.text
    assert b"<dc:date>" not in svg


def test_an_svg_holds_its_texts_as_text_in_a_font_with_a_way_back() -> None:
    root = xml.etree.ElementTree.fromstring(svg_of("by_weekday"))
    found = {each.text: each.get("style", "") for each in root.iter(f"{SVG}text")}

    assert {"Incidents by weekday", "Fri", "Local time: America/Chicago"} <= set(found)
    assert all(re.search(r"font-family: 'DejaVu Sans', sans-serif", style) for style in found.values())


def test_texts_from_the_data_are_neither_formulas_nor_markup() -> None:
    svg = draw("issue_breakdown", issues(list(ODD), 1000), LONG).svg()
    found = {each.text for each in xml.etree.ElementTree.fromstring(svg).iter(f"{SVG}text")}

    assert {
        "$\\frac{1}{0}$ and $_^{ unclosed",
        "under_score_and^caret",
        "Ünfall mit Größe, ñandú, Ωμέγα, Ж",
        "(no name)",
    } <= found
    assert b"<script" not in svg
    assert b"&lt;script&gt;" in svg


def test_two_hundred_pictures_leave_no_figure_behind() -> None:
    small = [name for name in CASES if name.endswith("_nothing")]
    for place in range(200):
        picture = CASES["trend_year" if place % 20 == 0 else small[place % len(small)]].draw()
        assert picture.png() if place % 10 == 0 else picture.svg()
    gc.collect()

    assert sum(isinstance(each, Figure) for each in gc.get_objects()) == 0
    assert "matplotlib.pyplot" not in sys.modules


def test_threads_that_draw_at_once_get_what_one_alone_gets() -> None:
    names = ("by_hour", "issues_one", "feed_instant") * 4
    alone = {name: svg_of(name) for name in set(names)}
    with ThreadPoolExecutor(6) as threads:
        together = list(threads.map(lambda name: CASES[name].draw().svg(), names))

    assert together == [alone[name] for name in names]


def _draw_and_leave() -> None:
    os._exit(0 if CASES["by_hour"].draw().png() else 1)


def test_a_child_forked_while_another_thread_draws_can_draw() -> None:
    drawing, over = threading.Event(), threading.Event()

    def hold() -> None:
        with CASES["by_hour"].draw().sheet():
            drawing.set()
            over.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert drawing.wait(20)
        child = multiprocessing.get_context("fork").Process(target=_draw_and_leave)
        child.start()
        child.join(20)
        code = child.exitcode
        if code is None:
            child.kill()
    finally:
        over.set()
        thread.join()
    assert code == 0


def test_nothing_is_drawn_before_it_is_asked_for() -> None:
    assert draw("trend", {"not": "a result"}, CAPTION) is not None


def test_the_ground_of_the_map_may_have_no_places_at_all() -> None:
    _, result, caption, _ = CASES["hotspots"].make()
    nowhere = Background(np.array([]), np.array([]))

    assert draw("hotspots", result, caption, nowhere).svg() != svg_of("hotspots")
