"""`POST /data?url=`: what is refused before a job is made, and what the job does that is."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.errors import DownloadFailed, InvalidInput, UnreadableFile
from lib.jobs import Jobs
from tests.api.conftest import CSV, backend_of, claim
from tests.unit.test_downloads import answer, site

PORTAL = "https://data.austintexas.gov/api/views/dx9v-zd7x/rows.csv?accessType=DOWNLOAD"


def post(client: FlaskClient, url: str, **more: Any) -> Any:
    return client.post("/data", query_string={"url": url}, **more)


@pytest.fixture
def allowed(app: Flask) -> Callable[[str], FlaskClient]:
    """A client of a service that may fetch from one address of this machine."""

    def client(url: str) -> FlaskClient:
        settings = backend_of(app).settings
        settings.data_urls, settings.data_urls_allow = [url], ["127.0.0.0/8"]
        return app.test_client()

    return client


def test_by_default_no_url_is_fetched_and_the_answer_says_what_to_do(client: FlaskClient, queue: Jobs) -> None:
    reply = post(client, PORTAL)
    assert (reply.status_code, reply.get_json()["field"]) == (400, "url")
    assert "DATA_URLS is empty; whoever runs the service can add data.austintexas.gov to it" in reply.get_json()["detail"]
    assert queue.counters() == {}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "data.csv",
        "file:///etc/passwd",
        "https://me:secret@data.austintexas.gov/",
        "http://169.254.169.254/latest/meta-data/",
        "https://data.austintexas.gov/../x",
        "https://example.org/",
        "https://data.austintexas.gov/" + "x" * 3_000,
        "https://data.austintexas.gov/\r\nHost: x",
    ],
)
def test_a_url_that_may_not_be_fetched_is_refused_before_there_is_a_job(
    allowed: Callable[[str], FlaskClient], queue: Jobs, url: str
) -> None:
    reply = post(allowed("data.austintexas.gov"), url)
    assert (reply.status_code, reply.get_json()["field"]) == (400, "url")
    assert "secret" not in reply.text
    assert queue.counters() == {}


def test_a_url_and_a_body_are_one_too_many(allowed: Callable[[str], FlaskClient]) -> None:
    reply = post(allowed("data.austintexas.gov"), PORTAL, data=CSV)
    assert (reply.status_code, reply.get_json()["field"]) == (400, "url")
    assert "send one of the two" in reply.get_json()["detail"]


def test_the_same_key_with_the_same_url_is_the_same_job(allowed: Callable[[str], FlaskClient], queue: Jobs) -> None:
    client, key = allowed("data.austintexas.gov"), {"Idempotency-Key": "once"}
    first, second = (post(client, PORTAL, headers=key) for _ in range(2))
    assert first.get_json()["id"] == second.get_json()["id"]
    assert post(client, PORTAL + "&x=1", headers=key).status_code == 409
    assert claim(queue).params["source"] == "https://data.austintexas.gov/api/views/dx9v-zd7x/rows.csv?…"


def test_what_is_there_is_loaded_and_the_version_says_from_where(
    allowed: Callable[[str], FlaskClient], work: Callable[[], Any]
) -> None:
    with site(answer(CSV)) as url:
        client = allowed(url)
        assert post(client, f"{url}/export.csv?token=secret").status_code == 202
        assert work()["rows"] == 3
        (version,) = client.get("/data/versions").get_json()["versions"]
        assert version["source"] == f"{url}/export.csv?…"
        assert client.post("/data", query_string={"url": f"{url}/export.csv", "mode": "append"}).status_code == 202
        assert work()["rows"] == 3


@pytest.mark.parametrize(
    ("talk", "kind", "words"),
    [
        (answer(b"", status="404 Not Found"), DownloadFailed, "404 Not Found"),
        (answer(CSV[:-20], f"Content-Length: {len(CSV)}"), DownloadFailed, "cut off after"),
        (answer(CSV[:-20] * 1_000, f"Content-Length: {10**7}"), DownloadFailed, "cut off after"),
        (answer(b"<html>Sign in</html>"), UnreadableFile, "is HTML or XML, perhaps an error page"),
        (answer(bytes(100_000)), UnreadableFile, "zero byte"),
        (answer(b"", "Location: http://127.0.0.2/", "Content-Length: 0", status="302 Found"), InvalidInput, "DATA_URLS"),
    ],
    ids=["absent", "cut", "cut late", "page", "zeros", "elsewhere"],
)
def test_what_cannot_be_fetched_whole_publishes_nothing(
    allowed: Callable[[str], FlaskClient], work: Callable[[], Any], talk: Any, kind: type[Exception], words: str
) -> None:
    with site(talk) as url:
        client = allowed(url)
        assert post(client, f"{url}/a.csv").status_code == 202
        with pytest.raises(kind, match=words):
            work()
        assert backend_of(client.application).dataset.store.current() is None


def test_a_job_of_ones_own_fetches_no_more_than_that(client: FlaskClient, queue: Jobs, work: Callable[[], Any]) -> None:
    assert client.post("/jobs", json={"operation": "load", "params": {"url": PORTAL}}).status_code == 202
    with pytest.raises(InvalidInput, match="DATA_URLS is empty"):
        work()
    both = {"url": PORTAL, "upload": "0" * 16}
    reply = client.post("/jobs", json={"operation": "load", "params": both})
    assert (reply.status_code, "give one of the two" in reply.get_json()["detail"]) == (422, True)
