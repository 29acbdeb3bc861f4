"""Chosen jobs cancelled, retried and deleted through HTTP."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from lib.jobs import Jobs
from lib.settings import Settings
from services.api.app import create_app
from tests.api.conftest import backend_of, fail, submit
from trafficjobs.token_files import add, new


def change(client: FlaskClient, action: str, *ids: str, **options: Any) -> dict[str, Any]:
    """The answer to a change of some jobs."""
    answer = client.post(f"/bulk/{action}", json={"ids": ids}, **options)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def test_a_bad_id_holds_up_no_other(client: FlaskClient, queue: Jobs) -> None:
    broken, waiting = submit(client), submit(client)
    fail(queue)
    answer = change(client, "retry", "nobody", broken, "../etc", waiting, broken)
    assert [one.get("outcome") for one in answer["jobs"]] == [None, "retried", None, None]
    assert [one["id"] for one in answer["jobs"]] == ["nobody", broken, "../etc", waiting]
    problems = [one["problem"] for one in answer["jobs"] if "problem" in one]
    assert [(each["type"].rpartition("/")[2], each["status"]) for each in problems] == [
        ("unknown-job", 404),
        ("unknown-job", 404),
        ("conflict", 409),
    ]
    assert waiting in problems[2]["detail"]
    assert (answer["done"], answer["refused"]) == (1, 3)
    for _ in range(2):
        assert change(client, "cancel", broken, waiting)["done"] == 2
    assert change(client, "delete", broken, waiting)["done"] == 2
    assert client.get("/jobs").get_json()["jobs"] == []


@pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": "x"}, {"ids": [1]}, {"ids": ["x"] * 1_001}, {"ids": ["x"], "run": 1}])
def test_nonsense_is_refused_by_field(client: FlaskClient, body: dict[str, Any]) -> None:
    answer = client.post("/bulk/cancel", json=body)
    assert (answer.status_code, answer.get_json()["field"].partition(".")[0]) == (400, "run" if "run" in body else "ids")


def test_whoever_is_no_admin_changes_their_own_jobs_alone(settings: Settings, tmp_path: Path) -> None:
    tokens = {}
    for name, role in (("ann", "submit"), ("ben", "submit"), ("root", "admin"), ("eve", "view")):
        token, entry = new(name, role)
        tokens[name] = {"Authorization": f"Bearer {token}"}
        add(tmp_path / "tokens", entry)
    app = create_app(settings.model_copy(update={"tokens_file": tmp_path / "tokens"}))
    client, queue = app.test_client(), backend_of(app).jobs
    ids = [
        client.post("/jobs", json={"operation": "unique_issues"}, headers=tokens[name]).get_json()["id"]
        for name in ("ann", "ben")
    ]
    assert client.post("/bulk/cancel", json={"ids": ids}, headers=tokens["eve"]).status_code == 403
    mine, other = change(client, "cancel", *ids, headers=tokens["ann"])["jobs"]
    assert (mine["outcome"], other["problem"]["status"]) == ("cancelled", 403)
    assert queue.get(ids[1]).status == "submitted"
    assert change(client, "delete", *ids, headers=tokens["root"])["done"] == 2
    events: Any = queue.store.records.xrange(f"{settings.key_prefix}events")
    noted = [event[b"target"].decode() for _, event in events if b"target" in event]
    assert noted == [",".join(ids)] * 2
    queue.close()
