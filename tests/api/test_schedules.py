"""`/schedules` over HTTP: made, listed, changed, paused, triggered, deleted; and who may do it."""

import pytest
from flask.testing import FlaskClient

from lib.firing import fire_due
from lib.jobs import Jobs
from tests.unit.test_schedules import set_back

NIGHTLY = {"id": "nightly", "cron": "0 2 * * *", "job": {"operation": "top_locations", "params": {"n": 3}, "priority": "low"}}


def test_a_schedule_is_made_once_however_often_it_is_sent(client: FlaskClient) -> None:
    for _ in range(2):
        made = client.post("/schedules", json=NIGHTLY)
        assert (made.status_code, made.headers["Location"]) == (201, "/schedules/nightly")
    shown = made.get_json()
    assert shown["timezone"] == "America/Chicago"
    assert shown["job"] == {"operation": "top_locations", "params": {"n": 3}, "priority": "low"}
    assert (len(shown["upcoming"]), shown["paused"], shown["fired"]) == (5, False, 0)
    assert client.get("/schedules").get_json() == {"schedules": [shown]}
    assert client.get("/schedules/nightly").get_json() == shown
    other = client.post("/schedules", json=NIGHTLY | {"cron": "0 3 * * *"})
    assert (other.status_code, other.get_json()["type"]) == (409, "/problems/conflict")


def test_its_job_is_submitted_as_a_body_of_its_own_would_be(client: FlaskClient, queue: Jobs) -> None:
    client.post("/schedules", json=NIGHTLY)
    due = set_back(queue, "nightly", 5)
    assert fire_due(queue) == 1
    job = client.get(f"/jobs/nightly-{due:.0f}").get_json()
    assert (job["operation"], job["priority"], job["schedule"]) == ("top_locations", "low", "nightly")
    assert job["input"] == {"operation": "top_locations", "params": {"n": 3}}
    assert job["scheduled_for"] is not None
    shown = client.get("/schedules/nightly").get_json()
    assert (shown["last_job"], shown["fired"]) == (job["id"], 1)


def test_the_spelling_of_the_course_and_options_are_kept(client: FlaskClient, queue: Jobs) -> None:
    body = {
        "every": 60,
        "job": {"start": "2023-01-01", "end": "2023-12-31", "timeout": 30, "retry": {"max": 2, "intervals": [1, 5]}},
    }
    sid = client.post("/schedules", json=body).get_json()["id"]
    answer = client.post(f"/schedules/{sid}/trigger")
    assert answer.status_code == 202
    job = client.get(answer.headers["Location"]).get_json()
    assert (job["operation"], job["start"], job["timeout"], job["retry"]["intervals"]) == (
        "describe",
        "2023-01-01",
        30.0,
        [1.0, 5.0],
    )
    assert (job["schedule"], job["scheduled_for"]) == (sid, None)


def test_it_is_paused_resumed_changed_and_deleted(client: FlaskClient) -> None:
    client.post("/schedules", json=NIGHTLY)
    paused = client.post("/schedules/nightly/pause").get_json()
    assert (paused["paused"], paused["next"], paused["upcoming"]) == (True, None, [])
    changed = client.put("/schedules/nightly", json={"every": 60, "job": {"operation": "unique_issues"}, "missed": "skip"})
    assert changed.status_code == 200
    assert (changed.get_json()["every"], changed.get_json()["paused"], changed.get_json()["missed"]) == (60.0, True, "skip")
    assert "cron" not in changed.get_json()
    resumed = client.post("/schedules/nightly/resume").get_json()
    assert (resumed["paused"], len(resumed["upcoming"])) == (False, 5)
    assert client.delete("/schedules/nightly").status_code == 204
    gone = client.get("/schedules/nightly")
    assert (gone.status_code, gone.get_json()["type"]) == (404, "/problems/unknown-schedule")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"job": {"operation": "unique_issues"}}, 400, "cron"),
        ({"cron": "* * * *", "job": {"operation": "unique_issues"}}, 400, "cron"),
        ({"every": 0, "job": {"operation": "unique_issues"}}, 400, "every"),
        ({"every": "60", "job": {"operation": "unique_issues"}}, 400, "every"),
        ({"cron": "@daily", "timezone": "Mars", "job": {"operation": "unique_issues"}}, 400, "timezone"),
        ({"every": 60, "timezone": "UTC", "job": {"operation": "unique_issues"}}, 400, "timezone"),
        ({"every": 60, "job": {"operation": "unique_issues", "id": "x"}}, 400, "job.id"),
        ({"every": 60, "job": {"operation": "unique_issues", "run_in": 5}}, 400, "job.run_in"),
        ({"every": 60, "job": {"operation": "nope"}}, 422, "operation"),
        ({"every": 60, "job": {"operation": "top_locations", "params": {"n": 0}}}, 422, "params.n"),
        ({"every": 60, "job": {"operation": "unique_issues", "queue": "nope"}}, 422, "queue"),
        ({"every": 60}, 400, "job"),
        ({"every": 60, "job": {"operation": "unique_issues"}, "id": "a b"}, 400, "id"),
        ({"every": 60, "job": {"operation": "unique_issues"}, "when": "now"}, 400, "when"),
        ([], 400, None),
    ],
)
def test_a_wrong_schedule_is_refused_by_its_field(client: FlaskClient, body: object, status: int, field: str | None) -> None:
    answer = client.post("/schedules", json=body)
    assert (answer.status_code, answer.get_json().get("field")) == (status, field)
    assert client.get("/schedules").get_json() == {"schedules": []}


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_an_unknown_schedule_is_a_404(client: FlaskClient, method: str) -> None:
    for sid in ("nope", "%00", "x" * 3_000):
        answer = getattr(client, method)(f"/schedules/{sid}", **({"json": {}} if method == "put" else {}))
        assert (answer.status_code, answer.get_json()["type"]) == (404, "/problems/unknown-schedule")
