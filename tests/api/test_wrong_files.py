"""Files that are no files of incidents: refused while they arrive, in bounded memory, and nothing of them stays."""

import gzip
import io
import itertools
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from flask.testing import FlaskClient

from lib.jobs import Jobs
from lib.settings import Settings
from tests.api.conftest import CSV
from tests.api.test_data import uploads_left
from tests.service import serving
from trafficjobs import Client, Invalid

MIB = 2**20
HEADER = CSV.splitlines()[0] + b"\n"


def zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("incidents.csv", bytes(50 * MIB))
    return packed.getvalue()


WRONG = {
    "zeros": (bytes(200_000), "line 1 holds a zero byte"),
    "a zip": (zip_bomb(), "is a ZIP archive or a spreadsheet; save it as CSV"),
    "gzip": (gzip.compress(bytes(50 * MIB)), "is compressed (gzip); unpack it first"),
    "a page": (b"<!doctype html><h1>Not found</h1>", "is HTML or XML, perhaps an error page of the download"),
    "another table": (b"a,b\n" + b"1,2\n" * 100_000, "Columns found: a, b"),
    "100,000 columns": (b",".join(b"c%d" % n for n in range(100_000)) + b"\n", "longer than 64 KiB"),
    "nested JSON": (b'{"a":' * 100_000, "nested too deeply"),
    "other JSON": (json.dumps([{"a": 1}] * 100_000).encode(), "Columns found: a"),
    "Latin-1 after 5 MiB": (CSV + b"x,,,,,,,,\n" * 600_000 + b"\xe9\n" * 100_000, "not UTF-8: line 600005 holds the byte 0xe9"),
    "an endless line": (HEADER + b"x" * 10 * MIB, "line 2 is longer than 4 MiB"),
}


@pytest.mark.parametrize("form", [False, True], ids=["body", "form"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_with_what_it_is_and_leaves_nothing(
    client: FlaskClient, queue: Jobs, name: str, form: bool
) -> None:
    content, words = WRONG[name]
    sent: dict[str, Any] = {"data": {"file": (io.BytesIO(content), "a.csv")}} if form else {"data": content}
    answer = client.post("/data", **sent)
    assert (answer.status_code, answer.get_json()["type"]) == (422, "/problems/unreadable-file")
    assert words in answer.get_json()["detail"]
    assert (uploads_left(queue), queue.counters()) == ([], {})


def test_a_compressed_body_is_refused_with_the_remedy(client: FlaskClient, queue: Jobs) -> None:
    answer = client.post("/data", data=gzip.compress(CSV), headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.headers["Accept-Encoding"]) == (415, "identity")
    assert answer.get_json()["detail"] == "The body has Content-Encoding: gzip. Send the file unpacked."
    assert client.post("/data", data=CSV, headers={"Content-Encoding": "identity"}).status_code == 202
    assert queue.counters()


@pytest.fixture
def gunicorn(settings: Settings, tmp_path: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The address of a gunicorn, and the process in it that answers."""
    with serving(settings, tmp_path, data_file=tmp_path / "absent.csv") as api:
        (child,) = psutil.Process(api.process.pid).children()
        yield api.url, child


@pytest.mark.parametrize("beginning", [b"", CSV], ids=["at once", "after incidents"])
def test_ten_gigabytes_of_zeros_are_refused_before_they_are_sent(gunicorn: tuple[str, psutil.Process], beginning: bytes) -> None:
    url, child = gunicorn
    before, pulled = child.memory_info().rss, itertools.count()

    def zeros() -> Iterator[bytes]:
        if beginning:
            yield beginning
        for _ in range(10_240):
            next(pulled)
            yield bytes(MIB)

    with httpx.Client(timeout=60) as client:
        answer = client.post(f"{url}/data", content=zeros())
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unreadable-file")
    # What is still on its way is thrown away for two seconds, so that the answer is read; the rest is never sent.
    assert next(pulled) < 8_000
    assert child.memory_info().rss - before < 32 * MIB


def test_an_empty_file_in_chunks_is_not_taken_for_no_file(gunicorn: tuple[str, psutil.Process]) -> None:
    with httpx.Client(timeout=30) as client:
        answer = client.post(f"{gunicorn[0]}/data", content=iter([b""]))
        assert (answer.status_code, answer.json()["detail"]) == (422, "data: the file is empty")
        again = client.post(f"{gunicorn[0]}/data")
        assert (again.status_code, again.json().get("type")) == (404, "/problems/no-data-file"), again.text


def test_a_client_that_still_sends_is_told_why_its_file_is_refused(gunicorn: tuple[str, psutil.Process], tmp_path: Path) -> None:
    (tmp_path / "incidents.csv").write_bytes(gzip.compress(b"") + bytes(100 * MIB))
    with Client(gunicorn[0]) as client, pytest.raises(Invalid, match=r"compressed \(gzip\); unpack it first"):
        client.load(tmp_path / "incidents.csv")
