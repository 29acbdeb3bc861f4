"""Jobs and results as a notebook shows them: escaped, never raising, and without asking anybody."""

import sys
from typing import Any

import httpx
import pytest

from trafficjobs import AsyncJob, Client, File, Invalid, Job, Jobs
from trafficjobs.transport import Transport

EVIL = "<script>alert(1)</script>"


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.method} {request.url} was sent")


def handle(record: dict[str, Any], cls: Any = Job) -> Any:
    return cls(Transport("http://service", None, 1.0, 0.0, httpx.MockTransport(nobody), awaited=cls is AsyncJob), record)


RECORDS: list[dict[str, Any]] = [
    {"id": "x", "status": "submitted"},
    {
        "id": EVIL,
        "status": EVIL,
        "operation": EVIL,
        "queue": EVIL,
        "input": {EVIL: EVIL},
        "error": {"type": EVIL, "message": EVIL},
    },
    {"id": "x", "status": "in-progress", "progress": {"done": 1, "total": 4, "note": EVIL}, "result": [EVIL], "files": [EVIL]},
    {"id": "x", "status": "in-progress", "progress": {"done": None, "total": 0}, "result": float("nan"), "input": None},
    {"id": "x", "status": "complete", "progress": "none", "error": "odd", "result": {"long": "y" * 10_000}, "started": 5},
    {},
]


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("cls", [Job, AsyncJob])
def test_a_job_is_shown_from_what_is_known(record: dict[str, Any], cls: type) -> None:
    job = handle(record, cls)
    for shown in (job._repr_html_(), Jobs([job, job])._repr_html_()):
        assert shown.startswith("<table>")
        assert "<script" not in shown
        assert len(shown) < 5_000


def test_what_is_shown_of_a_job() -> None:
    record = {"id": "x", "status": "in-progress", "progress": {"done": 1, "total": 4, "note": "half & half"}}
    assert "<tr><th>progress</th><td>25% half &amp; half</td></tr>" in handle(record)._repr_html_()
    assert "<th>result</th>" not in handle(record)._repr_html_()
    error = {"type": "ValueError", "message": "no"}
    assert "ValueError: no" in handle({"id": "x", "status": "failed", "error": error})._repr_html_()


def test_a_table_of_many_jobs_says_how_many_are_left_out() -> None:
    shown = Jobs(handle({"id": f"job-{n}", "status": "complete"}) for n in range(1_102))._repr_html_()
    assert shown.count("<tr>") == 101
    assert "<p>and 1,002 more</p>" in shown


def test_a_picture_is_a_picture_and_a_text_is_escaped() -> None:
    png = File(b"\x89PNG\0", "image/png")
    assert (png._repr_png_(), png._repr_html_()) == (b"\x89PNG\0", None)
    assert repr(png) == "<File image/png, 5 bytes>"
    svg = File(f"<svg>{EVIL}</svg>".encode(), "image/svg+xml; charset=utf-8")
    assert svg._repr_png_() is None
    assert "data:image/svg+xml;base64," in str(svg._repr_html_())
    assert "<script" not in str(svg._repr_html_())
    assert File(EVIL.encode(), "text/html")._repr_html_() == "<pre>&lt;script&gt;alert(1)&lt;/script&gt;</pre>"
    assert File(b"\0\1", "application/octet-stream")._repr_html_() is None
    assert len(str(File(b"\xff" * 100_000, "text/plain")._repr_html_())) < 30_000


def test_a_client_and_a_batch_of_jobs_come_from_the_service(client: Client) -> None:
    jobs = client.submit_many([{"operation": "unique_issues"}] * 2)
    assert all(job.id in jobs._repr_html_() for job in jobs)
    assert repr(client) == f"<Client {client.url}>"


def test_a_result_is_a_data_frame(client: Client) -> None:
    frame = client.submit("by_hour").frame(60)
    assert len(frame) == 24
    assert list(client.submit("chatty").frame(60).columns) == ["a", "b"]
    assert frame.shape[1] > 1
    with pytest.raises(Invalid, match="application/json only"):
        client.submit("together", names=["x"]).frame(60)


def test_without_pandas_it_says_what_to_install(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(Invalid, match="pip install 'trafficjobs"):
        handle({"id": "x", "status": "complete"}).frame()


def test_a_picture_is_fetched_once_it_is_there(client: Client) -> None:
    picture = client.submit("plot", kind="by_hour").picture(60)
    assert (picture.content_type, str(picture._repr_png_())[3:8]) == ("image/png", "x89PN")
    with pytest.raises(Invalid, match="answers with"):
        client.submit("print", msg="no picture").picture(60)
