"""The map: what is drawn of a day and where, its empty states, bad input, hostile text, and that it stays small."""

import base64
import re
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.api.dashboard import atlas
from services.api.dashboard.map import MOST
from tests.api.conftest import CSV, backend_of
from tests.commands import commands_sent

HEADER, *ROWS = CSV.decode().splitlines()
COLUMNS = "Traffic Report ID,Published Date,Issue Reported,Latitude,Longitude,Address"


def row(number: int, issue: str = "Crash Urgent", place: str = "30.26,-97.74", when: str = "01/01/2023 06:10:00 PM +0000") -> str:
    return f"N_{number},{when},{issue},{place},{number} MAIN ST"


@pytest.fixture
def loaded_with(client: FlaskClient, work: Callable[[], Any]) -> Callable[..., FlaskClient]:
    """A client of an API that has these rows of COLUMNS."""

    def load(*rows: str) -> FlaskClient:
        assert client.post("/data", data="\n".join([COLUMNS, *rows]).encode()).status_code == 202
        work()
        return client

    return load


def places(page: str) -> dict[str, tuple[float, float]]:
    """Where each mark is, by what it says."""
    found = re.findall(r'<use href="#k\d" x="([\d.]+)" y="([\d.]+)" data-h="-?\d+"><title>([^<]*)</title>', page)
    return {words: (float(x), float(y)) for x, y, words in found}


def test_without_data_the_page_says_where_to_load_some(client: FlaskClient) -> None:
    page = client.get("/ui/map").text
    assert "No data is loaded yet" in page
    assert 'href="/ui/data"' in page
    assert "<use" not in page


def test_the_last_day_is_shown_and_its_times_are_the_citys(loaded: FlaskClient) -> None:
    page = loaded.get("/ui/map").text
    assert '<b id="chosen">1 incident</b> of 2023-01-02' in page
    assert list(places(page)) == ["14:30 Crash Service, S CONGRESS AVE &amp; E RIVERSIDE DR"]
    assert 'rel="prev" href="/ui/map?day=2023-01-01"' in page
    assert 'rel="next"' not in page
    first = loaded.get("/ui/map?day=2023-01-01").text
    assert len(places(first)) == 2
    assert 'rel="next" href="/ui/map?day=2023-01-02"' in first
    assert 'rel="prev"' not in first
    assert "Incidents by hour from 0 to 23: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1," in first


def test_north_is_up_east_is_right_and_a_kilometre_is_as_long_either_way(loaded_with: Callable[..., FlaskClient]) -> None:
    east, north = 10_000 / 96_226.0, 10_000 / 110_857.0  # degrees of ten kilometres there
    corners = [(30.2, -97.8), (30.2 + north, -97.8), (30.2, -97.8 + east)]
    client = loaded_with(*(row(n, place=f"{lat},{lon}") for n, (lat, lon) in enumerate(corners)))
    start, above, beside = places(client.get("/ui/map").text).values()
    assert above[0] == pytest.approx(start[0], abs=0.2)
    assert beside[1] == pytest.approx(start[1], abs=0.2)
    assert start[1] - above[1] == pytest.approx(beside[0] - start[0], abs=0.3)
    assert start[1] - above[1] > 400  # units of 800: the map is as large as its data
    bar = re.search(r"v8h([\d.]+)v-8\"/><text[^>]*>([\d.]+) km", client.get("/ui/map").text)
    assert bar is not None
    assert float(bar.group(1)) / float(bar.group(2)) == pytest.approx((beside[0] - start[0]) / 10, rel=0.01)


def test_the_commonest_kinds_have_a_sign_of_their_own_on_every_day(loaded_with: Callable[..., FlaskClient]) -> None:
    names = [f"Kind {letter}" for letter in "ABCDEFGH"]
    rows = [row(10 * n + m, name) for n, name in enumerate(names) for m in range(10 - n)]
    client = loaded_with(*rows, row(999, names[1], when="02/01/2023 06:10:00 PM +0000"))
    page = client.get("/ui/map?day=2023-01-01").text
    legend = page.partition('class="legend"')[2].partition("</ul>")[0]
    assert re.findall(r"</svg>([^<]+) <b>(\d+)", legend) == [
        *((f"Kind {each}", str(10 - n)) for n, each in enumerate("ABCDEF")),
        ("other", "7"),
    ]
    signs = re.findall(r'class="k k(\d)">(<[^/]+/>)', legend)
    assert len(set(signs)) == len(dict(signs)) == len({shape for _, shape in signs}) == 7
    assert '<use href="#k1"' in client.get("/ui/map?day=2023-02-01").text


def test_a_day_without_incidents_leads_to_those_around_it(loaded_with: Callable[..., FlaskClient]) -> None:
    client = loaded_with(row(1), row(2, when="01/05/2023 06:10:00 PM +0000"))
    page = client.get("/ui/map?day=2023-01-03").text
    assert "No incident is known of 2023-01-03" in page
    assert page.count("/ui/map?day=2023-01-01") == 2
    assert page.count("/ui/map?day=2023-01-05") == 2
    assert client.get("/ui/map?day=1999-01-01").text.count("2023-01-01") >= 2


@pytest.mark.parametrize("day", ["2023-02-30", "today", '"><script>alert(1)</script>', "\x00", "1" * 5_000])
def test_what_is_no_day_is_said_beside_the_field(loaded: FlaskClient, day: str) -> None:
    answer = loaded.get("/ui/map", query_string={"day": day})
    assert answer.status_code == 200
    assert 'id="day-error"' in answer.text
    assert "<script>alert" not in answer.text
    assert "of 2023-01-02" in answer.text


def test_incidents_without_a_place_are_counted_and_listed(loaded_with: Callable[..., FlaskClient]) -> None:
    client = loaded_with(row(1), row(2, place=","), *(row(n, when="01/02/2023 06:10:00 PM +0000", place=",") for n in (3, 4)))
    page = client.get("/ui/map?day=2023-01-01").text
    assert "1 without a place" in page
    assert "2 MAIN ST" in page
    assert "No incident of this day has coordinates" in client.get("/ui/map?day=2023-01-02").text


def test_data_without_any_coordinates_says_which_columns_would_help(client: FlaskClient, work: Callable[[], Any]) -> None:
    content = "Traffic Report ID,Published Date,Issue Reported,Address\nA,01/01/2023 06:10:00 PM +0000,Crash Urgent,MAIN ST\n"
    client.post("/data", data=content.encode())
    work()
    page = client.get("/ui/map").text
    assert "The data has no coordinates" in page
    assert "MAIN ST" in page
    assert 'id="map"' not in page


def test_one_far_away_does_not_make_the_city_small(loaded_with: Callable[..., FlaskClient]) -> None:
    near = [row(n, place=f"{30.2 + n / 20_000},{-97.8 + n / 20_000}") for n in range(2_000)]
    page = loaded_with(*near, row(9_999, place="31.5,-96.3")).get("/ui/map").text
    assert "1 outside of the map" in page
    ends = list(places(page).values())
    assert len(ends) == MOST
    assert float(re.findall(r'data-metres="([\d.]+)"', page)[0]) < 15


def test_a_day_of_thousands_stays_a_small_page_and_says_what_is_left_out(loaded_with: Callable[..., FlaskClient]) -> None:
    rnd = np.random.default_rng(1)
    rows = [
        row(n, f"Kind {n % 12}", place=f"{30.3 + rnd.normal(0, 0.1):.5f},{-97.7 + rnd.normal(0, 0.1):.5f}")
        + " AND A CROSSING " * 20
        for n in range(3_000)
    ]
    answer = loaded_with(*rows).get("/ui/map")
    assert len(answer.data) < 150_000
    assert f"3,000 incidents</b> of 2023-01-01; the first {MOST} are shown" in answer.text.replace("\u202f", ",")
    assert answer.text.count("<tr data-h") == MOST


def test_what_a_file_says_is_shown_as_text(loaded_with: Callable[..., FlaskClient]) -> None:
    page = loaded_with(row(1, "<script>alert(1)</script>\"'‮") + "</title><b onclick=x> &amp;").get("/ui/map").text
    assert "<script>alert" not in page
    assert "<b onclick" not in page
    assert "&lt;script&gt;alert" in page


def test_the_page_asks_redis_the_same_whatever_the_data_holds(app: Flask, loaded_with: Callable[..., FlaskClient]) -> None:
    counts = []
    for number in (1, 3_000):
        client = loaded_with(*(row(n) for n in range(number)))
        client.get("/ui/map")
        store = backend_of(app).store
        with commands_sent(store.settings.redis_port) as sent:
            client.get("/ui/map")
        counts.append(len(sent))
    assert counts[0] == counts[1] > 0


def test_the_ground_is_looked_at_once_for_a_version(monkeypatch: pytest.MonkeyPatch, loaded: FlaskClient) -> None:
    made: list[int] = []
    real = atlas.made

    def watched(table: pa.Table) -> atlas.Atlas:
        made.append(table.num_rows)
        return real(table)

    monkeypatch.setattr(atlas, "made", watched)
    for day in ("2023-01-01", "2023-01-02", "2023-01-01"):
        loaded.get(f"/ui/map?day={day}")
    assert made == [3]


def test_the_ground_is_a_picture_of_where_incidents_were() -> None:
    x, y = np.array([1.0, 401.0, 401.0, -5.0, 900.0]), np.array([1.0, 399.0, 399.0, 3.0, 3.0])
    content = base64.b64decode(atlas.ground(x, y, 400.0).partition(",")[2])
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    wide, high = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    begin = content.index(b"IDAT")
    size = int.from_bytes(content[begin - 4 : begin], "big")
    rows = np.frombuffer(zlib.decompress(content[begin + 4 : begin + 4 + size]), np.uint8).reshape(high, 1 + 2 * wide)
    opacity = rows[:, 2::2]
    assert (wide, high) == (220, 110)
    assert np.argwhere(opacity).tolist() == [[0, 0], [109, 110]]
    assert opacity[109, 110] > opacity[0, 0] > 0
