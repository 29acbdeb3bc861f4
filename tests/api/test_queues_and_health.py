"""Queues, workers, probes; and what every answer has: an id, a type, a line in the log."""

import logging

import pytest
from flask.testing import FlaskClient

from lib.jobs import Jobs
from services.api.contract import contract_of
from tests.api.conftest import claim, fail, submit
from tests.waiting import until

AGES = {"oldest_age": 0, "oldest_ages": {}}


def test_queues_show_what_stands_in_them(client: FlaskClient, queue: Jobs) -> None:
    submit(client, priority="high")
    submit(client)
    claim(queue)
    submit(client, run_in=60)
    (shown,) = client.get("/queues").get_json()["queues"]
    alone = client.get("/queues/job-queue").get_json()
    assert {**shown, **AGES} == {**alone, **AGES}
    assert (shown["running"], shown["in_flight"]) == (1, {"high": 1, "normal": 0, "low": 0})
    assert (shown["name"], shown["depth"], shown["running"], shown["scheduled"]) == ("job-queue", 1, 1, 1)
    assert shown["waiting"] == {"high": 0, "normal": 1, "low": 0}


def test_a_paused_queue_gives_no_job_until_it_is_resumed(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    for _ in range(2):
        answer = client.post("/queues/job-queue/pause")
        assert (answer.status_code, answer.get_json()["paused"], answer.get_json()["depth"]) == (200, True, 1)
    assert queue.claim("child", "worker", ["job-queue"]) is None
    for _ in range(2):
        assert client.post("/queues/job-queue/resume").get_json()["paused"] is False
    assert claim(queue).id == jid


def test_a_drained_queue_refuses_submits_and_retries_until_it_is_opened(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    for _ in range(2):
        answer = client.post("/queues/job-queue/drain")
        assert (answer.status_code, answer.get_json()["draining"], answer.get_json()["paused"]) == (200, True, False)
    fail(queue)
    for refused in (client.post("/jobs", json={"operation": "unique_issues"}), client.post(f"/jobs/{jid}/retry")):
        assert (refused.status_code, refused.get_json()["type"]) == (409, "/problems/queue-draining")
    for _ in range(2):
        assert client.post("/queues/job-queue/open").get_json()["draining_since"] is None
    assert client.post(f"/jobs/{jid}/retry").status_code == 202


def test_a_purge_takes_what_it_is_told_and_no_nonsense(client: FlaskClient, queue: Jobs) -> None:
    submit(client)
    submit(client, run_in=60)
    for body in ({"scheduled": "yes"}, {"everything": True}):
        assert client.post("/queues/job-queue/purge", json=body).status_code == 400
    done = client.post("/queues/job-queue/purge", json={"scheduled": True, "foreign": True}).get_json()
    assert (done["cancelled"], done["foreign"], done["left"], done["queue"]["scheduled"]) == (2, 0, 0, 0)


@pytest.mark.parametrize("name", ["other", "job-queue.paused", "%00", "%C3%BC", "x" * 3_000])
def test_an_unknown_queue_is_a_404(client: FlaskClient, name: str) -> None:
    posts = [client.post(f"/queues/{name}/{action}") for action in ("pause", "resume", "drain", "open", "purge")]
    for answer in (client.get(f"/queues/{name}"), *posts):
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_workers_that_beat_are_listed(client: FlaskClient, queue: Jobs) -> None:
    assert client.get("/workers").get_json() == {"workers": []}
    queue.beat("w1", {"children": 2}, [])
    (worker,) = client.get("/workers").get_json()["workers"]
    assert (worker["name"], worker["children"]) == ("w1", 2)
    assert worker["beat"].endswith("Z")


def test_health_and_readiness_say_what_was_checked(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json()["checks"] == {
        "redis": {
            "status": "ok",
            "maxmemory_policy": "noeviction",
            "aof_enabled": True,
            "aof_last_write_status": "ok",
            "warnings": [],
        },
        "upkeep": {"age_seconds": None},
        "operations_broken": [],
        "data": None,
        "sign_in": {"required": False, "problem": None},
    }


def test_the_index_lists_every_route(client: FlaskClient) -> None:
    routes = client.get("/").get_json()["routes"]
    assert {"path": "/healthz", "methods": ["GET"], "summary": "200 while the process lives."} in routes
    app = client.application
    declared = {rule.rule: contract_of(app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules()}
    assert {route["path"] for route in routes} == {path for path, found in declared.items() if found and not found.page}
    assert all(route["summary"] for route in routes)


@pytest.mark.parametrize(
    "path", ["/nope", "/jobs/a/b/c", "/%00", "/%ff", "/\u00fc", "/..%2f..%2fetc%2fpasswd", "/jobs/<id>", "/operations/a/b"]
)
def test_a_path_that_is_not_there_is_a_problem(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_a_method_that_is_not_allowed_says_which_are(client: FlaskClient) -> None:
    answer = client.put("/jobs")
    assert (answer.status_code, answer.get_json()["type"]) == (405, "/problems/method-not-allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert client.get("/submit").status_code == 405


def test_head_and_options_answer_everywhere(client: FlaskClient) -> None:
    for path in ("/", "/jobs", "/healthz", "/metrics", "/queues", "/get/"):
        answer = client.head(path)
        assert (answer.status_code, answer.data) == (200, b"")
        assert "GET" in client.options(path).headers["Allow"]


def test_a_trailing_slash_changes_nothing(client: FlaskClient) -> None:
    jid = submit(client)
    for path in ("/jobs", f"/jobs/{jid}", "/workers", f"/status/{jid}", "/operations", "/healthz"):
        assert client.get(path + "/").get_json() == client.get(path).get_json()


def test_a_request_id_is_echoed_or_made(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    made = client.get("/nope", headers={"X-Request-ID": 'a"b'})
    assert made.headers["X-Request-ID"] != 'a"b'
    assert made.get_json()["request_id"] == made.headers["X-Request-ID"]


def test_a_request_is_one_line_in_the_log_without_its_query(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "trafficjobs.access"):
        client.get("/jobs?limit=1&secret=x", headers={"X-Request-ID": "r1", "Authorization": "Bearer token"})
    (record,) = [record for record in caplog.records if record.name == "trafficjobs.access"]
    said = {name: value for name, value in vars(record).items() if name not in vars(logging.makeLogRecord({}))}
    assert record.getMessage() == "request"
    assert said.pop("ms") > 0
    said.pop("message", None)  # put there by whoever formatted the record
    assert said == {"method": "GET", "path": "/jobs", "status": 200, "request_id": "r1"}


def test_a_probe_that_finds_nothing_amiss_is_no_line_in_the_log(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "trafficjobs.access"):
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
    assert not [record for record in caplog.records if record.name == "trafficjobs.access"]


def test_what_nobody_foresaw_is_a_500_without_internals(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Jobs) -> None:
        raise RuntimeError("secret internals")

    monkeypatch.setattr(Jobs, "workers", broken)
    answer = client.get("/workers", headers={"X-Request-ID": "r2"})
    assert (answer.status_code, answer.get_json()["type"]) == (500, "/problems/internal-error")
    assert "secret" not in answer.text
    assert any(record.exc_info and record.__dict__["request_id"] == "r2" for record in caplog.records)


def test_a_history_shows_what_happened_since_the_first_sample(client: FlaskClient, queue: Jobs) -> None:
    queue.remember()
    submit(client)
    fail(queue)
    points: list[dict[str, float]] = []

    def shown() -> bool:
        points[:] = client.get("/history?seconds=60").get_json()["points"]
        return bool(points)

    until(shown, 5, "a point")
    assert points[-1]["submitted"] * points[-1]["seconds"] == pytest.approx(1, abs=0.01)
    assert points[-1]["failed"] * points[-1]["seconds"] == pytest.approx(1, abs=0.01)
    assert str(points[-1]["start"]).endswith("Z")
    assert client.get("/history").status_code == 200


@pytest.mark.parametrize("seconds", ["59", "604801", "x"])
def test_a_history_of_what_is_not_kept_is_refused(client: FlaskClient, seconds: str) -> None:
    answer = client.get(f"/history?seconds={seconds}")
    assert (answer.status_code, answer.get_json()["field"]) == (400, "seconds")
