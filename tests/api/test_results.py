"""What a job leaves: its result in every state and form, its files, its log."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from lib.jobs import Jobs, complete
from tests.api.conftest import claim, end, fail, submit

PNG = b"\x89PNG not really"


def finish_with_files(queue: Jobs, result: bytes = b'{"points": 3}') -> str:
    taken = claim(queue)
    queue.stage_file(taken, "plot.png", PNG, "image/png")
    queue.stage_file(taken, "table.csv", b"a,b\n1,2\n", "text/csv; charset=utf-8")
    queue.finish(taken, complete(result))
    return taken.id


def test_a_result_is_there_only_once_the_job_is_complete(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    for status in ("submitted", "in-progress"):
        answer = client.get(f"/jobs/{jid}/results")
        assert (answer.status_code, answer.get_json()) == (202, {"id": jid, "status": status})
        assert int(answer.headers["Retry-After"]) > 0
        if status == "submitted":
            taken = claim(queue)
    queue.finish(taken, complete(b'{"unique_issues": 25}'))
    answer = client.get(f"/jobs/{jid}/results")
    assert (answer.status_code, answer.mimetype, answer.get_json()) == (200, "application/json", {"unique_issues": 25})


@pytest.mark.parametrize("result", [None, 0, False, [], {}, "text", [1, {"a": None}]])
def test_a_result_is_any_json_value(client: FlaskClient, queue: Jobs, result: Any) -> None:
    jid = submit(client)
    end(queue, result)
    answer = client.get(f"/jobs/{jid}/results")
    assert (answer.status_code, answer.get_json()) == (200, result)


def test_the_result_of_a_failed_job_is_its_error(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    fail(queue, "division by zero")
    answer = client.get(f"/jobs/{jid}/results")
    assert (answer.status_code, answer.get_json()) == (200, {"error": "division by zero"})


def test_a_cancelled_job_has_no_result(client: FlaskClient) -> None:
    jid = submit(client)
    client.post(f"/jobs/{jid}/cancel")
    answer = client.get(f"/jobs/{jid}/results")
    assert (answer.status_code, answer.get_json()["type"]) == (409, "/problems/job-cancelled")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("image/png, application/json", "application/json"),
        ("image/png", "image/png"),
        ("image/*", "image/png"),
        ("image/png, application/json;q=0.5", "image/png"),
        ("image/svg+xml, */*;q=0.1", "application/json"),
        ("text/html,application/xhtml+xml,image/webp,*/*;q=0.8", "application/json"),
        ("text/csv", "text/csv"),
        ("image/png;q=0.1, text/csv;q=0.9", "text/csv"),
    ],
)
def test_accept_picks_the_result_or_one_of_the_files(
    client: FlaskClient, queue: Jobs, accept: str | None, content_type: str
) -> None:
    jid = submit(client)
    finish_with_files(queue)
    answer = client.get(f"/jobs/{jid}/results", headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.mimetype, answer.headers["Vary"]) == (200, content_type, "Accept")


def test_a_form_that_the_job_does_not_have_is_a_406(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    end(queue, {})
    answer = client.get(f"/jobs/{jid}/results", headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert "application/json" in answer.get_json()["detail"]


def test_files_are_listed_named_in_the_record_and_served_in_a_sandbox(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    finish_with_files(queue)
    assert client.get(f"/jobs/{jid}").get_json()["files"] == ["plot.png", "table.csv"]
    files = client.get(f"/jobs/{jid}/files").get_json()["files"]
    assert files[0] == {"name": "plot.png", "content_type": "image/png", "bytes": len(PNG), "url": f"/jobs/{jid}/files/plot.png"}
    answer = client.get(files[0]["url"])
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PNG, "image/png")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["nope.png", "plot.png|type", "%00", "..%2F..%2Fetc", "%C3%BC", "*"])
def test_a_file_that_is_not_there_is_a_404(client: FlaskClient, queue: Jobs, name: str) -> None:
    jid = submit(client)
    finish_with_files(queue)
    assert client.get(f"/jobs/{jid}/files/{name}").status_code == 404


def test_a_job_without_files_says_so(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    assert client.get(f"/jobs/{jid}/files").get_json() == {"files": []}
    end(queue)
    assert client.get(f"/jobs/{jid}").get_json()["files"] == []


def test_the_log_is_read_page_by_page(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    assert client.get(f"/jobs/{jid}/log").get_json() == {"lines": [], "next": None}
    queue.append_log(claim(queue), ["one", "two", "drei ü\x00"])
    answer = client.get(f"/jobs/{jid}/log?limit=2")
    assert [line["line"] for line in answer.get_json()["lines"]] == ["one", "two"]
    following = client.get(answer.headers["Link"].partition(">")[0].removeprefix("<")).get_json()
    assert [(line["line"], line["attempt"]) for line in following["lines"]] == [("drei ü\x00", "1")]
    assert client.get(f"/jobs/{jid}/log?after={following['next']}").get_json() == {"lines": [], "next": following["next"]}


@pytest.mark.parametrize(
    "query", ["after=x", "after=1-", "after=(1", "after=+", "after=", "limit=0", "limit=1001", "after=" + "9" * 30]
)
def test_a_log_with_an_unusable_query_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/jobs/{submit(client)}/log?{query}").status_code == 400


def test_a_real_plot_comes_back_as_a_png(loaded: FlaskClient, work: Callable[[], Any]) -> None:
    jid = submit(loaded, "plot")
    work()
    answer = loaded.get(f"/jobs/{jid}/results", headers={"Accept": "image/png"})
    assert answer.data.startswith(b"\x89PNG\r\n")
