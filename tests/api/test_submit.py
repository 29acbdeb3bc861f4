"""POST /jobs: what is accepted, and everything that is refused with its reason and without a trace in the queue."""

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from lib.jobs import Jobs
from services.api.submissions import submission_of
from tests.api.conftest import claim, submit


def test_a_submitted_job_answers_202_with_the_record_that_get_gives(client: FlaskClient) -> None:
    answer = client.post("/jobs", json={"operation": "top_locations", "params": {"n": 5}})
    record = answer.get_json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/jobs/{record['id']}"
    assert record["status"] == "submitted"
    assert record["input"] == {"operation": "top_locations", "params": {"n": 5}}
    assert record["position"] == 0
    assert client.get(answer.headers["Location"]).get_json() == record


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "application/x-www-form-urlencoded", "text/plain; charset=ascii"]
)
def test_a_body_is_json_whatever_its_content_type(client: FlaskClient, content_type: str | None) -> None:
    answer = client.post("/jobs", data=b'{"operation": "unique_issues"}', content_type=content_type)
    assert answer.status_code == 202


def test_start_and_end_alone_run_describe_and_stay_in_the_record(client: FlaskClient, queue: Jobs) -> None:
    answer = client.post("/jobs", json={"start": "2023-01-01", "end": "2023-01-31"})
    record = answer.get_json()
    assert (record["operation"], record["start"], record["end"]) == ("describe", "2023-01-01", "2023-01-31")
    assert record["input"] == {"start": "2023-01-01", "end": "2023-01-31"}
    assert claim(queue).params == {"start": "2023-01-01", "end": "2023-01-31"}


def test_a_date_alone_counts_the_incidents_of_that_day(client: FlaskClient, queue: Jobs) -> None:
    record = client.post("/jobs", json={"date": "2023-01-01"}).get_json()
    assert (record["operation"], record["input"]) == ("incident_count_by_date", {"date": "2023-01-01"})
    assert claim(queue).params == {"date": "2023-01-01"}


def test_every_option_reaches_the_record(client: FlaskClient) -> None:
    options: dict[str, Any] = {
        "id": "my-own_id-1",
        "priority": "high",
        "run_in": 60,
        "timeout": 12.5,
        "retry": {"max": 3, "intervals": [1, 2.5], "jitter": 0.5},
        "result_ttl": 100,
        "queue": "job-queue",
    }
    record = client.post("/jobs", json={"operation": "unique_issues", "params": None, **options}).get_json()
    assert record["id"] == "my-own_id-1"
    assert (record["priority"], record["timeout"], record["retry"]) == ("high", 12.5, options["retry"])
    assert record["status"] == "scheduled"
    assert record["due"] is not None
    assert "position" not in record


def test_null_is_the_default_of_every_option(client: FlaskClient) -> None:
    nothing = dict.fromkeys(["id", "priority", "run_in", "timeout", "retry", "result_ttl", "queue"])
    assert client.post("/jobs", json={"operation": "unique_issues", **nothing}).status_code == 202


def test_positions_count_from_the_front_of_the_queue_by_priority(client: FlaskClient) -> None:
    first, second = submit(client), submit(client)
    urgent = submit(client, priority="high")
    assert [client.get(f"/jobs/{jid}").get_json()["position"] for jid in (urgent, first, second)] == [0, 1, 2]


def test_the_same_idempotency_key_and_body_give_the_same_record(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = client.post("/jobs", json={"operation": "unique_issues"}, headers=headers)
    again = client.post("/jobs", json={"operation": "unique_issues"}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.get_json() == first.get_json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(client.get("/jobs").get_json()["jobs"]) == 1


def test_the_same_idempotency_key_with_another_body_is_a_conflict(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k"}
    client.post("/jobs", json={"operation": "unique_issues"}, headers=headers)
    answer = client.post("/jobs", json={"operation": "top_locations"}, headers=headers)
    assert (answer.status_code, answer.get_json()["type"]) == (409, "/problems/conflict")


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_an_unusable_idempotency_key_is_refused(client: FlaskClient, key: str) -> None:
    answer = client.post("/jobs", json={"operation": "unique_issues"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.get_json()["field"]) == (400, "Idempotency-Key")


def test_an_id_that_is_taken_is_a_conflict_unless_it_is_the_same_job(client: FlaskClient) -> None:
    assert submit(client, id="one") == "one"
    again = client.post("/jobs", json={"operation": "unique_issues", "id": "one"})
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    other = client.post("/jobs", json={"operation": "top_locations", "id": "one"})
    assert other.status_code == 409


REFUSED: list[tuple[bytes | dict[str, Any] | list[Any] | str, int, list[str]]] = [
    # not JSON
    (b"", 400, []),
    (b"{", 400, []),
    (b'{"operation": "unique_issues",}', 400, []),
    (b'{"operation": "\xff"}', 400, []),
    (b'{"operation": "\\ud800"}', 400, []),
    (b'{"operation": "top_locations", "params": {"n": NaN}}', 400, []),
    ("unique_issues", 400, []),
    # the wrong shape
    ([], 400, []),
    ([{"operation": "unique_issues"}], 400, []),
    (b"null", 400, []),
    (b"3", 400, []),
    ({}, 400, ["operation"]),
    ({"operation": None}, 400, ["operation"]),
    ({"operation": 7}, 400, ["operation"]),
    ({"operation": ["unique_issues"]}, 400, ["operation"]),
    ({"operation": "unique_issues", "params": [1]}, 400, ["params"]),
    ({"operation": "unique_issues", "params": "n=5"}, 400, ["params"]),
    ({"operation": "unique_issues", "parms": {}}, 400, ["parms"]),
    ({"operation": "unique_issues", "n": 5, "x": 1}, 400, ["n", "x"]),
    ({"operation": "unique_issues", "date": "2023-01-01"}, 400, ["date"]),
    ({"start": "2023-01-01", "date": "2023-01-01"}, 400, ["date"]),
    # options
    ({"operation": "unique_issues", "id": ""}, 400, ["id"]),
    ({"operation": "unique_issues", "id": "a b"}, 400, ["id"]),
    ({"operation": "unique_issues", "id": "a\x00b"}, 400, ["id"]),
    ({"operation": "unique_issues", "id": "a\n"}, 400, ["id"]),
    ({"operation": "unique_issues", "id": "x" * 65}, 400, ["id"]),
    ({"operation": "unique_issues", "id": 5}, 400, ["id"]),
    ({"operation": "unique_issues", "priority": "urgent"}, 400, ["priority"]),
    ({"operation": "unique_issues", "priority": 1}, 400, ["priority"]),
    ({"operation": "unique_issues", "run_in": -1}, 400, ["run_in"]),
    ({"operation": "unique_issues", "run_in": "5"}, 400, ["run_in"]),
    ({"operation": "unique_issues", "run_in": True}, 400, ["run_in"]),
    ({"operation": "unique_issues", "run_in": 10**30}, 400, ["run_in"]),
    (b'{"operation": "unique_issues", "run_in": 1e400}', 400, []),
    ({"operation": "unique_issues", "timeout": 0}, 400, ["timeout"]),
    ({"operation": "unique_issues", "timeout": 1e9}, 400, ["timeout"]),
    ({"operation": "unique_issues", "retry": 3}, 400, ["retry"]),
    ({"operation": "unique_issues", "retry": {"max": 101}}, 400, ["retry.max"]),
    ({"operation": "unique_issues", "retry": {"max": 1, "interval": [1]}}, 400, ["retry.interval"]),
    ({"operation": "unique_issues", "retry": {"intervals": [1, -1, "x"]}}, 400, ["retry.intervals.1", "retry.intervals.2"]),
    ({"operation": "unique_issues", "retry": {"jitter": 2}}, 400, ["retry.jitter"]),
    ({"operation": "unique_issues", "result_ttl": 0}, 400, ["result_ttl"]),
    ({"operation": "unique_issues", "result_ttl": 10**18}, 400, ["result_ttl"]),
    ({"operation": "unique_issues", "result_ttl": 1.5}, 400, ["result_ttl"]),
    ({"operation": "unique_issues", "queue": "other"}, 422, ["queue"]),
    ({"operation": "unique_issues", "queue": ["job-queue"]}, 400, ["queue"]),
    # operations and parameters
    ({"operation": "uniqe_issues"}, 422, ["operation"]),
    ({"operation": "unique_issues\x00"}, 422, ["operation"]),
    ({"operation": "top_locations", "params": {"n": "5"}}, 422, ["params.n"]),
    ({"operation": "top_locations", "params": {"n": 2.5}}, 422, ["params.n"]),
    ({"operation": "top_locations", "params": {"n": True}}, 422, ["params.n"]),
    ({"operation": "top_locations", "params": {"n": None}}, 422, ["params.n"]),
    ({"operation": "top_locations", "params": {"n": 10**30}}, 422, ["params.n"]),
    ({"operation": "top_locations", "params": {"n": -1}}, 422, ["params.n"]),
    ({"operation": "top_locations", "params": {"n": [5]}}, 422, ["params.n"]),
    ({"operation": "top_locations", "params": {"m": 5}}, 422, ["params.m"]),
    ({"operation": "incidents_by_road"}, 422, ["params.road"]),
    ({"operation": "incidents_by_road", "params": {"road": 5, "rod": 1}}, 422, ["params.road", "params.rod"]),
    ({"operation": "unique_issues", "params": {"n": 1}}, 422, ["params.n"]),
    ({"date": "yesterday"}, 422, ["date"]),
    ({"date": 20230101}, 422, ["date"]),
    ({"date": None}, 422, ["date"]),
    ({"start": 1, "end": "x"}, 422, ["start", "end"]),
]


@pytest.mark.parametrize(("body", "status", "fields"), REFUSED, ids=lambda value: repr(value)[:60])
def test_a_job_that_does_not_fit_is_refused_by_field_and_nothing_is_queued(
    client: FlaskClient, queue: Jobs, body: Any, status: int, fields: list[str]
) -> None:
    answer = client.post("/jobs", data=body) if isinstance(body, bytes) else client.post("/jobs", json=body)
    problem = answer.get_json()
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert (problem["status"], problem["type"].startswith("/problems/")) == (status, True)
    assert problem["title"]
    assert problem["detail"]
    assert [error["field"] for error in problem.get("errors", [])] == fields
    assert all(error["message"] for error in problem.get("errors", []))
    assert problem.get("field") == (fields[0] if fields else None)
    assert queue.counts() == dict.fromkeys(queue.counts(), 0)
    assert queue.counters() == {}


def test_broken_json_says_so_in_the_words_of_the_course(client: FlaskClient) -> None:
    assert client.post("/jobs", data=b"{'a': 1}").get_json()["detail"].startswith("Invalid JSON: ")


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deeply_nested_json_is_refused(client: FlaskClient, opening: bytes, closing: bytes) -> None:
    for depth in (40, 5_000):
        body = b'{"operation": "print", "params": {"msg": ' + opening * depth + b"1" + closing * depth + b"}}"
        assert client.post("/jobs", data=body).status_code == 400


def test_json_of_the_deepest_allowed_nesting_is_read(client: FlaskClient) -> None:
    def nested(levels: int) -> bytes:
        return b'{"operation": "unique_issues", "params": {"x": ' + b"[" * (levels - 2) + b"]" * (levels - 2) + b"}}"

    assert client.post("/jobs", data=nested(32)).status_code == 422
    assert client.post("/jobs", data=nested(33)).status_code == 400


def test_a_body_above_the_limit_is_refused_with_413(client: FlaskClient, queue: Jobs) -> None:
    limit = client.application.config["MAX_CONTENT_LENGTH"]
    answer = client.post("/jobs", data=b" " * 10_000_000)
    assert (answer.status_code, answer.get_json()["type"]) == (413, "/problems/too-large")
    fits = b'{"operation": "unique_issues"}'
    assert client.post("/jobs", data=fits + b" " * (limit - len(fits))).status_code == 202
    assert client.post("/jobs", data=fits + b" " * (limit - len(fits) + 1)).status_code == 413


def test_thousands_of_wrong_fields_get_a_short_answer(client: FlaskClient) -> None:
    body = {"operation": "unique_issues"} | {f"f{number}": 1 for number in range(4_000)}
    answer = client.post("/jobs", json=body)
    assert (answer.status_code, len(answer.get_json()["errors"])) == (400, 50)
    assert len(answer.data) < 50_000
    answer = client.post("/jobs", json={"operation": "unique_issues", "params": body})
    assert (answer.status_code, len(answer.get_json()["errors"])) == (422, 50)


def test_long_names_are_not_sent_back_in_full(client: FlaskClient) -> None:
    long = "x" * 50_000
    bodies: list[dict[str, Any]] = [
        {"operation": long},
        {"operation": "unique_issues", long: 1},
        {"operation": "unique_issues", "params": {long: 1}},
        {"operation": "top_locations", "params": {"n": long}},
        {"operation": "unique_issues", "id": long},
        {"operation": "unique_issues", "priority": long},
        {"operation": "unique_issues", "queue": long},
        {"date": long},
    ]
    for body in bodies:
        answer = client.post("/jobs", json=body)
        assert answer.status_code in (400, 422)
        assert len(answer.data) < 6_000


def test_a_full_queue_answers_429_with_retry_after(client: FlaskClient, queue: Jobs) -> None:
    queue.store.settings.queue_limit = 2  # read when the script is composed, at its first use
    submit(client)
    submit(client)
    answer = client.post("/jobs", json={"operation": "unique_issues"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
    assert answer.get_json()["type"] == "/problems/queue-full"
    assert len(client.get("/jobs").get_json()["jobs"]) == 2


@pytest.mark.parametrize("body", [{"type": "load", "params": {"by": "bob"}}, {"operation": "load", "params": {"by": "bob"}}])
def test_nobody_loads_data_in_the_name_of_another(body: dict[str, Any]) -> None:
    submission, _ = submission_of(body, messages=True, by="ada")
    assert (submission.by, submission.params["by"]) == ("ada", "ada")
