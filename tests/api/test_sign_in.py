"""Sign-in: every route with every kind of token, the file of tokens while it changes, and who did what."""

import logging
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.jobs import Jobs
from services.api.attempts import PER_MINUTE
from tests.api.conftest import CSV, fail
from tests.api.sign_in import TOKENS, bearer, csrf
from tests.tokens import line


@pytest.fixture
def app(guarded_app: Flask) -> Flask:
    """Everybody signs in."""
    return guarded_app


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "tj_submit-token", "Token tj_view-token", "Bearer tj_view", "Bearer tj_view-token x"],
)
def test_what_is_no_token_is_refused(client: FlaskClient, header: str) -> None:
    answer = client.get("/jobs", headers={"Authorization": header})
    assert (answer.status_code, answer.get_json()["type"]) == (401, "/problems/unauthorized")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="trafficjobs"' + (
        ', error="invalid_token"' if header.startswith("Bearer tj") else ""
    )


def test_a_token_in_the_query_or_a_cookie_counts_for_nothing(client: FlaskClient) -> None:
    client.set_cookie("token", TOKENS["admin"])
    assert client.get(f"/jobs?access_token={TOKENS['admin']}").status_code == 401


def test_the_scheme_may_be_written_in_any_case(client: FlaskClient) -> None:
    assert client.get("/jobs", headers={"Authorization": f"bearer  {TOKENS['view']}"}).status_code == 200


def test_the_name_is_in_the_record_and_in_the_log_and_the_token_nowhere(
    client: FlaskClient, queue: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        record = client.post("/jobs", json={"operation": "unique_issues"}, headers=bearer("submit")).get_json()
        course = client.post("/submit", json={"date": "2023-01-01"}, headers=bearer("submit")).get_json()
        load = client.post("/data", data=CSV, headers=bearer("submit")).get_json()
        client.get("/jobs", headers=bearer("wrong-token-of-mine"))
    assert record["by"] == load["by"] == queue.get(course["job_id"]).by == "submit-name"
    assert load["input"]["params"]["by"] == "submit-name"
    lines = [entry for entry in caplog.records if entry.name == "trafficjobs.access"]
    assert [getattr(each, "by", None) for each in lines] == ["submit-name"] * 3 + [None]
    everything = caplog.text + "".join(str(entry.__dict__) for entry in caplog.records)
    stored = b"".join(queue.store.records.dump(key) or b"" for key in queue.store.records.scan_iter(f"{queue.store.prefix}*"))
    for secret in (TOKENS["submit"], "wrong-token-of-mine"):
        assert secret not in everything
        assert secret.encode() not in stored


def test_nobody_loads_data_in_the_name_of_another(client: FlaskClient) -> None:
    body = {"operation": "load", "params": {"by": "admin-name"}}
    assert client.post("/jobs", json=body, headers=bearer("submit")).get_json()["input"]["params"]["by"] == "submit-name"


def test_an_idempotency_key_belongs_to_its_token(client: FlaskClient) -> None:
    key = {"Idempotency-Key": "k"}
    first = client.post("/jobs", json={"operation": "unique_issues"}, headers=bearer("submit") | key)
    other = client.post("/jobs", json={"operation": "unique_issues"}, headers=bearer("other") | key)
    again = client.post("/jobs", json={"operation": "unique_issues"}, headers=bearer("submit") | key)
    assert first.get_json()["id"] == again.get_json()["id"] != other.get_json()["id"]


def test_an_id_of_somebody_elses_job_is_a_conflict(client: FlaskClient) -> None:
    body = {"operation": "unique_issues", "id": "mine"}
    assert client.post("/jobs", json=body, headers=bearer("submit")).status_code == 202
    assert client.post("/jobs", json=body, headers=bearer("other")).status_code == 409


@pytest.mark.parametrize(("method", "action"), [("POST", "/cancel"), ("POST", "/retry"), ("DELETE", "")])
def test_a_submitter_changes_its_own_jobs_and_an_admin_all(client: FlaskClient, queue: Jobs, method: str, action: str) -> None:
    def job(owner: str) -> str:
        jid = client.post("/jobs", json={"operation": "unique_issues"}, headers=bearer(owner)).get_json()["id"]
        if action == "/retry":
            fail(queue)
        return f"/jobs/{jid}{action}"

    theirs = job("other")
    refused = client.open(theirs, method=method, headers=bearer("submit"))
    assert (refused.status_code, refused.get_json()["type"]) == (403, "/problems/forbidden")
    assert "other-name" in refused.get_json()["detail"]
    assert "admin" in refused.get_json()["detail"]
    assert client.open(theirs, method=method, headers=bearer("admin")).status_code in (200, 202, 204)
    if action == "/retry":
        fail(queue)
    assert client.open(job("submit"), method=method, headers=bearer("submit")).status_code in (200, 202, 204)


def test_a_job_without_an_owner_is_an_admins_to_change(client: FlaskClient, queue: Jobs) -> None:
    from lib.jobs import Submission

    jid = queue.submit(Submission("unique_issues")).id
    assert client.delete(f"/jobs/{jid}", headers=bearer("submit")).status_code == 403
    assert client.delete(f"/jobs/{jid}", headers=bearer("admin")).status_code == 204


def test_who_cancelled_is_in_the_record(client: FlaskClient, queue: Jobs) -> None:
    jid = client.post("/jobs", json={"operation": "unique_issues"}, headers=bearer("submit")).get_json()["id"]
    client.post(f"/jobs/{jid}/cancel", headers=bearer("admin"))
    assert queue.store.records.hget(f"{queue.store.prefix}job.{jid}", "cancelled_by") == b"admin-name"


def test_wrong_tokens_are_limited_by_address_and_right_ones_never(client: FlaskClient) -> None:
    for _ in range(PER_MINUTE):
        assert client.get("/jobs", headers=bearer("wrong")).status_code == 401
    answer = client.get("/jobs", headers=bearer("wrong"))
    assert (answer.status_code, answer.get_json()["type"]) == (429, "/problems/too-many-attempts")
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/jobs", headers=bearer("view")).status_code == 200
    assert client.get("/jobs").status_code == 401
    elsewhere = client.get("/jobs", headers=bearer("wrong"), environ_overrides={"REMOTE_ADDR": "10.0.0.9"})
    assert elsewhere.status_code == 401


def test_nobody_gets_another_limit_by_saying_that_they_come_from_elsewhere(client: FlaskClient) -> None:
    """What a client writes into such headers is not believed: the limit is that of the connection's address."""
    said = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP")
    answers = [
        client.get(
            "/jobs", headers=bearer("wrong") | {name: f"{'for=' if name == 'Forwarded' else ''}10.1.2.{n}" for name in said}
        )
        for n in range(PER_MINUTE + 1)
    ]
    assert [answer.status_code for answer in answers] == [401] * PER_MINUTE + [429]


def test_who_shares_an_address_with_a_guesser_is_not_locked_out(client: FlaskClient) -> None:
    """As all who come through one proxy do, and also where the guessing goes on."""
    for _ in range(2 * PER_MINUTE):
        client.get("/jobs", headers=bearer("wrong"))
        assert client.get("/jobs", headers=bearer("submit")).status_code == 200
    form = {"csrf": csrf(client)}
    assert client.post("/ui/sign-in", data=form | {"token": "tj_wrong"}).status_code == 429
    assert client.post("/ui/sign-in", data=form | {"token": TOKENS["view"]}).status_code == 303
    assert client.get("/jobs").status_code == 200


# The file changes


def test_a_changed_file_counts_without_a_restart(client: FlaskClient, tokens_file: Path) -> None:
    assert client.get("/jobs", headers=bearer("view")).status_code == 200
    tokens_file.write_text(line("new", "view", "tj_new"))
    assert client.get("/jobs", headers=bearer("view")).status_code == 401
    assert client.get("/jobs", headers={"Authorization": "Bearer tj_new"}).status_code == 200


def test_a_missing_file_lets_nobody_in_until_it_is_there(client: FlaskClient, tokens_file: Path) -> None:
    content = tokens_file.read_text()
    tokens_file.unlink()
    assert client.get("/jobs", headers=bearer("admin")).status_code == 401
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.get_json()["checks"]["sign_in"]["required"] is True
    assert str(tokens_file) in ready.get_json()["checks"]["sign_in"]["problem"]
    tokens_file.write_text(content)
    assert client.get("/jobs", headers=bearer("admin")).status_code == 200
    assert client.get("/readyz").get_json()["checks"]["sign_in"]["problem"] is None
