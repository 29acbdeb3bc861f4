"""The page of the data: what is current, versions, loading by form and by URL, the look into the incidents."""

import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from lib.jobs import Jobs
from tests.api.conftest import CSV, backend_of, claim
from tests.api.forms import csrf, form

HEADER, *ROWS = CSV.decode().splitlines()


def address(client: FlaskClient, mode: str) -> str:
    """Where the form of a file goes."""
    found = re.search(rf'formaction="([^"]*mode={mode}[^"]*)"', client.get("/ui/data").text)
    assert found is not None
    return unescape(found.group(1))


def upload(client: FlaskClient, content: bytes, mode: str = "replace", to: str = "", name: str = "mine.csv") -> TestResponse:
    return client.post(to or address(client, mode), data={"file": (io.BytesIO(content), name)})


def test_without_data_the_page_says_what_to_do(client: FlaskClient) -> None:
    page = client.get("/ui/data").text
    assert "No data is loaded yet" in page
    assert "Upload a file of incidents" in page
    assert "DATA_URLS</code> is empty" in page
    assert 'id="versions"' not in page


def test_the_current_version_and_what_its_loading_changed(client: FlaskClient, work: Callable[[], Any]) -> None:
    dirty = "\n".join(
        [
            HEADER,
            *ROWS,
            ROWS[0],
            ROWS[1].replace("A_2", "").replace(",30.27,-97.75,", ",0,0,"),
            ROWS[2].replace("A_3", "A_4").replace("Crash Service", "CRASH SERVICE"),
        ]
    )
    assert upload(client, dirty.encode()).status_code == 303
    work()
    page = client.get("/ui/data").text
    assert "of the days 2023-01-01 to 2023-01-02" in page
    assert "6 rows read as csv, 4 kept" in page
    assert "no report id" in page
    assert "same report id as a row that is kept" in page
    assert "CRASH SERVICE → Crash Service" in page
    assert "mine.csv" in page


def test_a_file_sent_with_the_form_is_loaded_and_leads_to_its_job(
    client: FlaskClient, queue: Jobs, work: Callable[[], Any]
) -> None:
    answer = upload(client, CSV)
    assert answer.status_code == 303
    jid = answer.headers["Location"].rpartition("/")[2]
    assert queue.get(jid).operation == "load"
    assert work()["rows"] == 3
    assert "A_1" in client.get("/ui/data").text
    more = upload(client, CSV.replace(b"A_", b"B_"), "append")
    assert more.status_code == 303
    assert work()["rows"] == 6


def test_a_form_sent_twice_is_one_job(client: FlaskClient, queue: Jobs) -> None:
    to = address(client, "replace")
    first, second = (upload(client, CSV, to=to) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert queue.counts()["submitted"] == 1
    other = upload(client, CSV.replace(b"A_", b"C_"), to=to)
    assert other.status_code == 409
    assert "sent before with another file" in other.text
    assert len(list(queue.store.records.scan_iter(f"{queue.store.prefix}uploads.*"))) > 0  # of the job that waits
    claim(queue)


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "empty"), (b"%PDF-1.4\x00\x01", "PDF"), (b"a,b\n1,2\n", "incidents"), (b"\x00" * 100, "file")]
)
def test_what_is_no_file_of_incidents_is_refused_beside_the_form(
    client: FlaskClient, queue: Jobs, content: bytes, said: str
) -> None:
    answer = upload(client, content)
    assert answer.status_code in (400, 422)
    error = answer.text.partition('id="file-error" role="alert">')[2].partition("</p>")[0]
    assert said in error
    assert queue.counts()["submitted"] == 0
    assert list(queue.store.records.scan_iter(f"{queue.store.prefix}uploads.*")) == []


def test_a_form_with_a_file_shows_its_own_token_in_its_address(client: FlaskClient, queue: Jobs) -> None:
    to = address(client, "replace")
    own = re.sub(r"csrf=\w+", f"csrf={csrf(client)}", to)
    for wrong in (own, re.sub(r"csrf=\w+", "csrf=", to), re.sub(r"&?csrf=\w+", "", to)):
        assert upload(client, CSV, to=wrong).status_code == 403
    token = re.search(r"csrf=(\w+)", to)
    assert token is not None
    assert form(client, "/ui/queues/job-queue/pause", csrf=token.group(1)).status_code == 403
    assert queue.counts()["submitted"] == 0


def test_a_url_is_refused_in_words_where_none_may_be_fetched(client: FlaskClient, queue: Jobs) -> None:
    for given, said in (
        ("", "Must be given"),
        ("https://example.org/a.csv?key=s3cret", "may not be fetched"),
        ("ftp://x", "http"),
    ):
        answer = form(client, "/ui/data/url", url=given, mode="replace")
        assert answer.status_code == 400
        assert said in answer.text
    assert form(client, "/ui/data/url", url="https://example.org/a.csv", mode="x").status_code == 400
    assert queue.counts()["submitted"] == 0


def test_versions_are_made_current_and_removed(loaded: FlaskClient, app: Flask, work: Callable[[], Any]) -> None:
    store = backend_of(app).dataset.store
    first = store.current()
    upload(loaded, CSV.replace(b"A_", b"B_"))
    work()
    second = store.current()
    page = loaded.get("/ui/data").text
    assert f"/ui/data/versions/{first}/remove" in page
    assert f"/ui/data/versions/{second}/remove" not in page
    assert form(loaded, f"/ui/data/versions/{second}/remove").status_code == 409
    assert form(loaded, f"/ui/data/versions/{first}/activate").status_code == 303
    assert store.current() == first
    assert "is current now" in loaded.get("/ui/data").text
    for _ in range(2):
        gone = form(loaded, f"/ui/data/versions/{second}/remove")
    assert gone.status_code == 404
    assert [each.id for each in store.versions()] == [first]


def test_incidents_are_searched_and_come_in_pages(client: FlaskClient, work: Callable[[], Any]) -> None:
    rows = [ROWS[0].replace("A_1", f"P_{number:03}").replace("06:10", f"06:{number % 60:02}") for number in range(60)]
    upload(client, "\n".join([HEADER, *rows, ROWS[1]]).encode())
    work()
    page = client.get("/ui/data?search=congress").text
    assert page.count("<details><summary aria-label") == 50
    following = re.search(r'rel="next" href="([^"#]+)', page)
    assert following is not None
    rest = client.get(unescape(following.group(1))).text
    assert rest.count("<details><summary aria-label") == 10
    assert 'rel="next"' not in rest
    assert "LAMAR" in client.get("/ui/data?issue=STALLED+vehicle").text
    assert "No incident fits" in client.get("/ui/data?search=nowhere").text
    assert "start again from the first" in client.get("/ui/data?after=absent").text


@pytest.mark.parametrize("day", ["2023-02-31", "yesterday", "<script>", "\x00"])
def test_a_wrong_day_is_said_beside_its_field(loaded: FlaskClient, day: str) -> None:
    page = loaded.get("/ui/data", query_string={"start": day}).text
    assert 'id="start-error"' in page
    assert "<script>" not in page


def test_what_a_file_says_is_shown_as_text(client: FlaskClient, work: Callable[[], Any]) -> None:
    evil = '<script>alert(1)</script>" onx="‮אבג'
    rows = [row.replace("S CONGRESS AVE & E RIVERSIDE DR", f'"{evil.replace(chr(34), chr(34) * 2)}{"x" * 9000}"') for row in ROWS]
    rows[1] = rows[1].replace("A_2", "<b>&'").replace("Stalled Vehicle", "<i>kind")
    upload(client, "\n".join([HEADER, *rows]).encode(), name='"><img src=x>.csv')
    work()
    page = client.get("/ui/data", query_string={"search": '"><script>\x00'}).text + client.get("/ui/data").text
    for tag in ("<script>alert", "<b>&", "<i>kind", "<img src=x", '"><script>'):
        assert tag not in page
    assert "&lt;script&gt;alert(1)" in page
    assert len(page.encode()) < 60_000


def test_the_page_costs_the_same_whatever_the_data_holds(client: FlaskClient, app: Flask, work: Callable[[], Any]) -> None:
    def commands() -> int:
        client.get("/ui/data")  # the version is mapped once
        store = backend_of(app).store.records
        before = store.info("stats")["total_commands_processed"]
        client.get("/ui/data")
        return int(store.info("stats")["total_commands_processed"] - before)

    upload(client, CSV)
    work()
    few = commands()
    rows = [ROWS[0].replace("A_1", f"P_{number:05}") for number in range(5_000)]
    for mode in ("replace", "append"):
        upload(client, "\n".join([HEADER, *rows]).encode(), mode)
        work()
    many = commands()
    assert many - few <= 2 * 2  # two for each version that is kept
    assert len(client.get("/ui/data").data) < 150_000
