"""/data: uploads in every form, what is refused and leaves nothing behind, searching, versions."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.errors import StoreUnavailable
from lib.jobs import Jobs
from lib.settings import Settings
from services.api.app import create_app
from tests.api.conftest import CSV, backend_of, claim
from tests.tokens import line

ROWS = [
    {
        "traffic_report_id": f"J_{number}",
        "published_date": "2024-03-01T12:00:00.000Z",
        "issue_reported": "Crash Urgent",
        "address": "N LAMAR BLVD",
        "latitude": "30.3",
        "longitude": "-97.7",
    }
    for number in range(2)
]


def uploads_left(queue: Jobs) -> list[bytes]:
    return list(queue.store.records.scan_iter(f"{queue.store.prefix}uploads.*"))


@pytest.mark.parametrize(
    ("body", "content_type", "rows"),
    [
        (CSV, "text/csv", 3),
        (CSV, "application/x-www-form-urlencoded", 3),  # what curl --data-binary says
        (CSV, None, 3),
        (json.dumps(ROWS).encode(), "application/json", 2),
        (b"\n".join(json.dumps(row).encode() for row in ROWS), "application/x-ndjson", 2),
    ],
    ids=["csv", "curl", "untyped", "json", "ndjson"],
)
def test_an_upload_is_queued_and_loaded_whatever_its_type(
    client: FlaskClient, queue: Jobs, work: Callable[[], Any], body: bytes, content_type: str | None, rows: int
) -> None:
    answer = client.post("/data", data=body, content_type=content_type)
    record = answer.get_json()
    assert (answer.status_code, record["operation"], record["status"]) == (202, "load", "submitted")
    assert client.get(answer.headers["Location"]).get_json() == record
    assert work()["rows"] == rows
    assert len(client.get("/data").get_json()) == rows
    assert uploads_left(queue) == []


def test_a_file_of_a_form_is_loaded_under_its_name(client: FlaskClient, work: Callable[[], Any]) -> None:
    answer = client.post("/data", data={"file": (io.BytesIO(CSV), "my incidents ü.csv")})
    assert answer.status_code == 202
    assert work()["rows"] == 3
    assert client.get("/data/versions").get_json()["versions"][0]["source"] == "my incidents ü.csv"


def test_a_long_file_of_a_form_is_loaded(client: FlaskClient, work: Callable[[], Any]) -> None:
    header, *rows = CSV.splitlines(keepends=True)
    content = header + b"".join(rows[0].replace(b"A_1", b"A_%06d" % number) for number in range(3_000))
    assert client.post("/data", data={"file": (io.BytesIO(content), "long.csv")}).status_code == 202
    assert work()["rows"] == 3_000


def test_a_form_with_another_field_is_refused_by_its_name_and_leaves_nothing(client: FlaskClient, queue: Jobs) -> None:
    answer = client.post("/data", data={"file": (io.BytesIO(CSV), "a.csv"), "mode": "append"})
    assert (answer.status_code, answer.get_json()["field"]) == (400, "mode")
    assert "/data?mode=append" in answer.get_json()["detail"]
    assert uploads_left(queue) == []
    assert client.get("/get").text == "0"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"file": "a field and no file"},
        {"other": (io.BytesIO(CSV), "a.csv")},
        {"file": [(io.BytesIO(CSV), "a.csv"), (io.BytesIO(CSV), "b.csv")]},
    ],
    ids=["empty", "no file", "another name", "two files"],
)
def test_a_form_without_exactly_one_file_is_refused_and_leaves_nothing(
    client: FlaskClient, queue: Jobs, form: dict[str, Any]
) -> None:
    answer = client.post("/data", data=form, content_type="multipart/form-data")
    assert (answer.status_code, answer.get_json()["field"]) == (400, "file")
    assert (uploads_left(queue), queue.counters()) == ([], {})


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data"),
        (b"garbage", "multipart/form-data"),
        (b"garbage", "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + CSV, "multipart/form-data; boundary=x"),
    ],
    ids=["no boundary", "no boundary either", "no part", "broken off"],
)
def test_a_broken_form_is_refused_and_leaves_nothing(client: FlaskClient, queue: Jobs, body: bytes, content_type: str) -> None:
    assert client.post("/data", data=body, content_type=content_type).status_code == 400
    assert (uploads_left(queue), queue.counters()) == ([], {})


def test_an_upload_that_breaks_off_is_refused_and_leaves_nothing(client: FlaskClient, queue: Jobs) -> None:
    as_gunicorn = {"CONTENT_LENGTH": str(len(CSV) + 1), "wsgi.input_terminated": True}
    answer = client.post("/data", input_stream=io.BytesIO(CSV), environ_overrides=as_gunicorn)
    assert answer.status_code == 400
    assert (uploads_left(queue), queue.counters()) == ([], {})


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("form", [True, False])
def test_an_upload_above_the_limit_is_refused_and_leaves_nothing(app: Flask, queue: Jobs, announced: bool, form: bool) -> None:
    backend_of(app).settings.max_upload_bytes = 5 * 2**20
    body, headers = CSV + b"x,,,,,,,,\n" * (6 * 2**17), {}
    if form:
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        body, headers = head + body + b"\r\n--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}
    as_gunicorn: dict[str, Any] = {"wsgi.input_terminated": True} | ({"CONTENT_LENGTH": str(len(body))} if announced else {})
    answer = app.test_client().post("/data", input_stream=io.BytesIO(body), headers=headers, environ_overrides=as_gunicorn)
    assert answer.status_code == 413
    assert (uploads_left(queue), queue.counters()) == ([], {})


def test_an_upload_that_the_queue_refuses_leaves_nothing(client: FlaskClient, queue: Jobs) -> None:
    queue.store.settings.queue_limit = 1
    client.post("/jobs", json={"operation": "unique_issues"})
    assert client.post("/data", data=CSV).status_code == 429
    assert uploads_left(queue) == []


def test_without_a_body_the_data_file_is_loaded(app: Flask, client: FlaskClient, work: Callable[[], Any]) -> None:
    path = backend_of(app).settings.data_file
    answer = client.post("/data")
    assert (answer.status_code, answer.get_json()["type"]) == (404, "/problems/no-data-file")
    assert str(path) in answer.get_json()["detail"]
    path.write_bytes(CSV)
    assert client.post("/data").status_code == 202
    assert work()["rows"] == 3
    assert client.get("/data/versions").get_json()["versions"][0]["source"] == path.name


def test_append_adds_to_the_data_and_replace_replaces_it(loaded: FlaskClient, work: Callable[[], Any]) -> None:
    more = CSV.replace(b"A_", b"B_")
    loaded.post("/data?mode=append", data=more)
    assert work()["rows"] == 6
    loaded.post("/data?mode=replace", data=more)
    assert work()["rows"] == 3
    versions = loaded.get("/data/versions").get_json()["versions"]
    assert [version["rows"] for version in versions] == [3, 6, 3]
    assert [version["current"] for version in versions] == [True, False, False]
    answer = loaded.post("/data?mode=merge", data=more)
    assert (answer.status_code, answer.get_json()["field"]) == (400, "mode")


def test_the_hidden_load_operation_cannot_be_given_somebody_elses_upload_name(client: FlaskClient, queue: Jobs) -> None:
    answer = client.post("/jobs", json={"operation": "load", "params": {"upload": "../x"}})
    assert (answer.status_code, answer.get_json()["field"]) == (422, "params.upload")


def test_incidents_are_a_list_with_the_next_page_in_link(loaded: FlaskClient) -> None:
    seen, address = [], "/data?limit=2"
    while address:
        answer = loaded.get(address)
        assert answer.headers["X-Total-Count"] == "3"
        seen += [row["report_id"] for row in answer.get_json()]
        address = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == ["A_1", "A_2", "A_3"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=congress", ["A_1", "A_3"]),
        ("search=a_2", []),
        ("search=A_2", ["A_2"]),
        ("issue=stalled+vehicle", ["A_2"]),
        ("start=2023-01-02", ["A_3"]),
        ("end=2023-01-01", ["A_1", "A_2"]),
        ("search=congress&end=2023-01-01", ["A_1"]),
        ("search=(", []),
        ("search=%00", []),
        ("search=%F0%9F%9A%97", []),
        ("issue=none", []),
    ],
)
def test_incidents_are_searched_and_filtered(loaded: FlaskClient, query: str, found: list[str]) -> None:
    answer = loaded.get(f"/data?{query}")
    assert (answer.status_code, [row["report_id"] for row in answer.get_json()]) == (200, found)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=x", "limit"),
        ("limit=" + "9" * 19, "limit"),
        ("start=soon", "start"),
        ("end=2023-02-30", "end"),
        ("end=99999-01-01", "end"),
        ("after=", "after"),
    ],
)
def test_a_search_that_cannot_be_is_refused_by_field(loaded: FlaskClient, query: str, field: str) -> None:
    answer = loaded.get(f"/data?{query}")
    assert (answer.status_code, answer.get_json()["field"]) == (400, field)


def test_a_page_after_a_row_that_is_gone_is_a_conflict(loaded: FlaskClient) -> None:
    answer = loaded.get("/data?after=nope")
    assert (answer.status_code, answer.get_json()["type"]) == (409, "/problems/conflict")


def test_one_incident_is_found_by_its_id(loaded: FlaskClient) -> None:
    assert loaded.get("/data/A_2").get_json()["issue"] == "Stalled Vehicle"
    for other in ("A_9", "%00", "%F0%9F%9A%97", "x" * 3_000, "versionsx"):
        answer = loaded.get(f"/data/{other}")
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_the_load_job_is_claimed_with_the_upload_it_names(client: FlaskClient, queue: Jobs) -> None:
    record = client.post("/data", data=CSV).get_json()
    taken = claim(queue)
    assert (taken.id, taken.operation) == (record["id"], "load")
    assert backend_of(client.application).dataset.store.read_upload(taken.params["upload"]).read() == CSV


def test_a_load_whose_acceptance_was_not_confirmed_keeps_its_upload(
    client: FlaskClient, app: Flask, queue: Jobs, work: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With strict durability the job may be there though the disk has not said so; whoever sends it again finds it whole."""
    jobs, headers = backend_of(app).jobs, {"Idempotency-Key": "nightly"}
    submit = jobs.submit

    def unconfirmed(*args: Any, **options: Any) -> Any:
        submit(*args, **options)
        raise StoreUnavailable("the disk has not confirmed it")

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "submit", unconfirmed)
        assert client.post("/data", data=CSV, headers=headers).status_code == 503
    again = client.post("/data", data=CSV, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert work()["rows"] == 3
    assert client.get(f"/jobs/{again.get_json()['id']}").get_json()["status"] == "complete"


def test_a_load_counts_towards_the_quota_of_its_token(settings: Settings, tmp_path: Path, queue: Jobs) -> None:
    (tmp_path / "limited").write_text(line("nightly", "admin", "secret", "per_minute=1"))
    limited_app = create_app(settings.model_copy(update={"tokens_file": tmp_path / "limited"}))
    limited = limited_app.test_client()
    headers = {"Authorization": "Bearer secret"}
    assert limited.post("/data", data=CSV, headers=headers).status_code == 202
    refused = limited.post("/data", data=CSV, headers=headers)
    assert (refused.status_code, refused.get_json()["type"]) == (429, "/problems/quota-exceeded")
    assert len({key.split(b".")[1] for key in uploads_left(queue)}) == 1  # that of the first one
    backend_of(limited_app).jobs.close()
