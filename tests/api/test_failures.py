"""`/failures` through HTTP: groups, their jobs, and many run again."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from lib.jobs import Jobs
from lib.settings import Settings
from services.api.app import create_app
from tests.api.conftest import backend_of, fail, submit
from trafficjobs.token_files import add, new


def test_failed_jobs_are_grouped_and_the_group_is_run_again(client: FlaskClient, queue: Jobs) -> None:
    ids = [submit(client) for _ in range(3)]
    for _ in ids:
        fail(queue)
    page = client.get("/failures").get_json()
    (group,) = page["failures"]
    assert (group["count"], group["job"], group["message"], page["next"]) == (3, ids[2], "division by zero", None)
    listed = client.get(f"/jobs?fingerprint={group['fingerprint']}&status=failed").get_json()
    assert [job["id"] for job in listed["jobs"]] == ids[::-1]
    answer = client.post(f"/failures/{group['fingerprint']}/retry")
    assert (answer.status_code, answer.get_json()) == (200, {"retried": 3, "left": 0, "next": None})
    assert client.get("/failures").get_json() == {"failures": [], "next": None}
    assert client.post(f"/failures/{group['fingerprint']}/retry").get_json()["retried"] == 0


def test_all_that_failed_is_run_again_by_operation_and_queue(client: FlaskClient, queue: Jobs) -> None:
    kept = submit(client, "print", params={"msg": "hello"})
    fail(queue)
    submit(client)
    fail(queue)
    assert client.post("/failures/retry", json={"operation": "unique_issues", "queue": "job-queue"}).get_json()["retried"] == 1
    assert client.get(f"/jobs/{kept}").get_json()["status"] == "failed"
    assert client.post("/failures/retry", json={}).get_json() == {"retried": 1, "left": 0, "next": None}


def test_pages_of_groups_are_linked(client: FlaskClient, queue: Jobs) -> None:
    for operation in ("unique_issues", "average_response_time"):
        submit(client, operation)
        fail(queue)
    answer = client.get("/failures?limit=1")
    assert [group["operation"] for group in answer.get_json()["failures"]] == ["average_response_time"]
    following = client.get(answer.headers["Link"].partition(">")[0][1:]).get_json()
    assert [group["operation"] for group in following["failures"]] == ["unique_issues"]


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/failures/retry", {"cursor": "12"}, 400, "cursor"),
        ("/failures/retry", {"operation": 1}, 400, "operation"),
        ("/failures/retry", {"operations": "x"}, 400, "operations"),
        ("/failures/retry", {"queue": "nowhere"}, 422, "queue"),
    ],
)
def test_nonsense_is_refused_by_field(client: FlaskClient, path: str, body: dict[str, object], status: int, field: str) -> None:
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.get_json()["field"]) == (status, field)


def test_a_group_that_cannot_be_is_a_404(client: FlaskClient) -> None:
    assert client.post("/failures/ABC/retry").status_code == 404


def test_a_list_of_an_impossible_fingerprint_is_refused(client: FlaskClient) -> None:
    assert client.get("/jobs?fingerprint=x").get_json()["field"] == "fingerprint"
    assert client.get("/failures?limit=101").get_json()["field"] == "limit"


def test_whoever_is_no_admin_runs_their_own_jobs_again(settings: Settings, tmp_path: Path) -> None:
    tokens = {}
    for name, role in (("ann", "submit"), ("ben", "submit"), ("root", "admin"), ("eve", "view")):
        tokens[name], entry = new(name, role)
        add(tmp_path / "tokens", entry)
    app = create_app(settings.model_copy(update={"tokens_file": tmp_path / "tokens"}))
    client, queue = app.test_client(), backend_of(app).jobs

    def post(name: str, path: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
        answer = client.post(path, json=body, headers={"Authorization": f"Bearer {tokens[name]}"})
        return answer.status_code, answer.get_json()

    for name in ("ann", "ben", "ben"):
        assert post(name, "/jobs", {"operation": "unique_issues"})[0] == 202
        fail(queue)
    assert post("eve", "/failures/retry", {})[0] == 403
    assert post("ann", "/failures/retry", {}) == (200, {"retried": 1, "left": 0, "next": None})
    assert post("root", "/failures/retry", {})[1]["retried"] == 2
    queue.close()
