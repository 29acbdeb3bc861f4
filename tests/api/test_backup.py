"""`GET /backup` and `POST /restore`: the file, who may have it, and what is refused."""

from flask import Flask
from flask.testing import FlaskClient

from lib.backup.form import checked
from lib.jobs import Jobs
from tests.api.conftest import submit

LOOKS_AGAIN = True  # restores are what these tests are about


def test_a_backup_is_a_whole_file_and_replaces_what_is_there(client: FlaskClient, queue: Jobs) -> None:
    first = submit(client)
    answer = client.get("/backup")
    assert (answer.status_code, answer.mimetype) == (200, "application/gzip")
    assert answer.headers["Content-Disposition"].endswith('.backup"')
    assert checked([answer.data])["key_prefix"] == queue.settings.key_prefix
    second = submit(client)
    refused = client.post("/restore", data=answer.data)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/conflict")
    assert "2 jobs" in refused.json["detail"]
    done = client.post("/restore?replace=true", data=answer.data)
    assert (done.status_code, done.json["jobs"]) == (200, 1)
    assert (client.get(f"/jobs/{first}").status_code, client.get(f"/jobs/{second}").status_code) == (200, 404)


def test_a_second_backup_may_be_made_when_the_first_is_done_or_given_up(client: FlaskClient) -> None:
    given_up = client.get("/backup")
    assert (given_up.status_code, client.get("/backup").status_code) == (200, 409)
    given_up.close()
    whole = client.get("/backup")
    assert (whole.status_code, bool(whole.data)) == (200, True)
    assert client.get("/backup").status_code == 200


def test_what_is_no_whole_backup_is_refused(client: FlaskClient) -> None:
    submit(client)
    whole = client.get("/backup").data
    for broken in (b"", b"no backup", whole[:-5], whole[:80] + b"\x00\x00" + whole[82:]):
        answer = client.post("/restore?replace=true", data=broken)
        assert (answer.status_code, answer.json["type"]) == (422, "/problems/unreadable-backup")
    packed = client.post("/restore", data=whole, headers={"Content-Encoding": "gzip"})
    assert packed.status_code == 415
    assert client.get("/jobs").json["jobs"]


def test_while_a_restore_is_put_in_place_everything_is_503(app: Flask, client: FlaskClient, queue: Jobs) -> None:
    queue.store.queues.set(f"{queue.settings.key_prefix}restoring", "somebody")
    answer = client.post("/jobs", json={"operation": "unique_issues"})
    assert (answer.status_code, answer.json["type"]) == (503, "/problems/store-unavailable")
    assert "restore is being put in place" in answer.json["detail"]
    assert client.get("/jobs").status_code == 503
    assert client.get("/backup").status_code == 503
