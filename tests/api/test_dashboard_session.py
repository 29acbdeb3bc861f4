"""Sign-in to the dashboard: what a cookie opens and what it does not, CSRF, roles on every page, the end of a session."""

import hashlib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.api.attempts import PER_MINUTE, Attempts
from services.api.contract import contract_of
from services.api.dashboard.session import COOKIE
from services.api.tokens import Role
from tests.api.conftest import backend_of, fail
from tests.api.sign_in import RANKS, TOKENS, bearer, csrf, signed_in
from tests.tokens import line

# Forms that anybody may send, if with a CSRF token.
OPEN_FORMS = {"ui.signed_in", "ui.sign_out"}


@pytest.fixture
def app(guarded_app: Flask) -> Flask:
    """Everybody signs in."""
    return guarded_app


def pages(app: Flask) -> list[tuple[str, str, str, Role]]:
    """Endpoint, method, path and role of every page and form."""
    found = []
    for rule in app.url_map.iter_rules():
        contract = contract_of(app.view_functions[rule.endpoint])
        if contract is None or not contract.page:
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<path:{name}>", "x").replace(f"<{name}>", "x")
        found += [(rule.endpoint, method, path, contract.role) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
    assert len(found) > 20
    return found


def test_a_page_without_a_session_leads_to_sign_in_and_back(client: FlaskClient) -> None:
    answer = client.get("/ui/jobs?status=failed")
    assert answer.status_code == 303
    asked = urlsplit(answer.headers["Location"])
    assert (asked.path, parse_qs(asked.query)) == ("/ui/sign-in", {"next": ["/ui/jobs?status=failed"]})
    shown = client.get(answer.headers["Location"])
    assert 'value="/ui/jobs?status=failed"' in shown.text
    there = client.post("/ui/sign-in", data={"csrf": csrf(client), "token": TOKENS["view"], "next": "/ui/jobs?status=failed"})
    assert (there.status_code, there.headers["Location"]) == (303, "/ui/jobs?status=failed")
    assert client.get("/ui/jobs?status=failed").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/ui", "/\\evil.example", "/ui\\evil", "/uix", "/jobs", "/ui/\n", "ui"]
)
def test_sign_in_leads_nowhere_else(client: FlaskClient, elsewhere: str) -> None:
    answer = client.post("/ui/sign-in", data={"csrf": csrf(client), "token": TOKENS["view"], "next": elsewhere})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ui")


def test_a_wrong_token_is_refused_beside_its_field_and_too_many_are_slowed_down(client: FlaskClient) -> None:
    answer = client.post("/ui/sign-in", data={"csrf": csrf(client), "token": "tj_wrong"})
    assert answer.status_code == 401
    assert "This token is not known." in answer.text
    assert "tj_wrong" not in answer.text
    for _ in range(PER_MINUTE):
        answer = client.post("/ui/sign-in", data={"csrf": csrf(client), "token": "tj_wrong"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/ui").status_code == 303


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_by_others(client: FlaskClient) -> None:
    answer = client.get("/ui/sign-in")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    tls = client.application.test_client().get("/ui/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in tls.headers["Set-Cookie"]


def test_signing_in_changes_the_secret(client: FlaskClient) -> None:
    client.get("/ui/sign-in")
    before = client.get_cookie(COOKIE)
    client.post("/ui/sign-in", data={"csrf": csrf(client), "token": TOKENS["view"]})
    after = client.get_cookie(COOKIE)
    assert before is not None
    assert after is not None
    assert before.value != after.value


def test_every_page_with_every_role(app: Flask) -> None:
    for role, rank in RANKS.items():
        client = signed_in(app, role)
        for endpoint, method, path, needed in pages(app):
            app.extensions["trafficjobs.sign_in"]._attempts = Attempts()
            if endpoint in OPEN_FORMS:
                continue
            answer = client.open(path, method=method, data={"csrf": csrf(client)} if method == "POST" else None)
            said = f"{method} {path} as {role}: {answer.status_code}"
            if rank < needed:
                assert answer.status_code == 403, said
                assert f"role {needed.name.lower()}" in answer.text, said
            else:
                assert answer.status_code not in (401, 403, 429, 500), said
            if answer.status_code >= 400:
                assert answer.mimetype == "text/html", said
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'"), said


def test_every_form_wants_its_token(app: Flask) -> None:
    client = signed_in(app, "admin")
    for endpoint, method, path, _ in pages(app):
        if method != "POST":
            continue
        for given in ({}, {"csrf": ""}, {"csrf": "0" * 40}):
            answer = client.post(path, data=given)
            assert answer.status_code == 403, f"{endpoint} with {given}: {answer.status_code}"
    assert client.get("/ui").status_code == 200  # nobody was signed out


def test_a_session_reads_the_api_and_changes_it_only_with_the_token(app: Flask) -> None:
    client = signed_in(app, "submit")
    assert client.get("/jobs").status_code == 200
    refused = client.post("/jobs", json={"operation": "unique_issues"})
    assert (refused.status_code, refused.get_json()["type"]) == (403, "/problems/cross-site")
    accepted = client.post("/jobs", json={"operation": "unique_issues"}, headers={"X-CSRF-Token": csrf(client)})
    assert accepted.status_code == 202
    assert accepted.get_json()["by"] == "submit-name"
    of_another = signed_in(app, "submit")
    assert client.post("/jobs", json={}, headers={"X-CSRF-Token": csrf(of_another)}).status_code == 403


def test_the_token_of_a_form_ends_with_the_session(app: Flask) -> None:
    client = signed_in(app, "submit")
    old = csrf(client)
    client.post("/ui/sign-out", data={"csrf": old})
    client.post("/ui/sign-in", data={"csrf": csrf(client), "token": TOKENS["submit"]})
    assert client.post("/jobs", json={"operation": "unique_issues"}, headers={"X-CSRF-Token": old}).status_code == 403


def test_after_sign_out_the_old_cookie_opens_nothing(app: Flask) -> None:
    client = signed_in(app, "admin")
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    assert client.post("/ui/sign-out", data={"csrf": csrf(client)}).headers["Location"] == "/ui/sign-in"
    assert client.get("/ui").status_code == 303
    thief = app.test_client()
    thief.set_cookie(COOKIE, cookie.value)
    assert thief.get("/ui").status_code == 303
    assert thief.get("/jobs").status_code == 401


def test_a_token_that_is_taken_away_ends_its_sessions(app: Flask, tokens_file: Path) -> None:
    client = signed_in(app, "view")
    tokens_file.write_text(line("admin-name", "admin", TOKENS["admin"]))
    assert client.get("/jobs").status_code == 401
    assert client.get("/ui").status_code == 303


def test_redis_has_neither_the_secret_nor_the_token_and_forgets_in_time(app: Flask) -> None:
    client = signed_in(app, "view")
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    store = backend_of(app).store
    keys = list(store.records.scan_iter(f"{store.prefix}session.*"))
    assert len(keys) == 1
    kept = keys[0] + store.records.get(keys[0])
    assert cookie.value.encode() not in kept
    assert TOKENS["view"].encode() not in kept
    assert 0 < store.records.ttl(keys[0]) <= backend_of(app).settings.session_ttl


def test_who_writes_to_redis_cannot_make_a_session(app: Flask) -> None:
    """Nothing that lies there, taken for another session or told as a digest, signs anybody in."""
    signed_in(app, "admin")
    store = backend_of(app).store
    (key,) = store.records.scan_iter(f"{store.prefix}session.*")
    found = store.records.get(key)
    assert isinstance(found, bytes)
    digest = hashlib.sha256(TOKENS["admin"].encode())
    mine = "m" * 43
    for written in (found, digest.digest(), digest.hexdigest(), b""):
        store.records.set(f"{store.prefix}session.{hashlib.sha256(mine.encode()).hexdigest()}", written)
        thief = app.test_client()
        thief.set_cookie(COOKIE, mine)
        assert thief.get("/jobs").status_code == 401
    assert found not in (digest.digest(), digest.hexdigest().encode())


def test_a_bearer_token_opens_pages_too_and_wins_over_the_cookie(app: Flask) -> None:
    client = signed_in(app, "admin")
    assert client.get("/ui/jobs", headers=bearer("view")).status_code == 200
    assert client.post("/ui/queues/job-queue/pause", headers=bearer("view")).status_code == 403
    assert client.post("/ui/queues/job-queue/pause", headers=bearer("admin")).status_code == 303


def test_what_a_role_may_not_do_is_not_offered(app: Flask) -> None:
    admin = signed_in(app, "admin")
    jid = admin.post("/jobs", json={"operation": "unique_issues"}, headers={"X-CSRF-Token": csrf(admin)}).get_json()["id"]
    fail(backend_of(app).jobs)
    for role, retry, pause in (("view", False, False), ("submit", True, False), ("admin", True, True)):
        client = signed_in(app, role)
        assert (f"/ui/jobs/{jid}/retry" in client.get(f"/ui/jobs/{jid}").text) is retry, role
        assert ("/queues/job-queue/pause" in client.get("/ui/queues").text) is pause, role


def test_others_jobs_are_left_alone(app: Flask) -> None:
    admin, submitter = signed_in(app, "admin"), signed_in(app, "submit")
    made = admin.post("/jobs", json={"operation": "unique_issues"}, headers={"X-CSRF-Token": csrf(admin)}).get_json()["id"]
    assert submitter.post(f"/ui/jobs/{made}/cancel", data={"csrf": csrf(submitter)}).status_code == 403
    answer = submitter.post("/ui/jobs/many", data={"csrf": csrf(submitter), "order": "cancel", "ids": [made]})
    assert answer.status_code == 303
    assert "0 jobs cancelled. 1 left alone" in submitter.get("/ui/jobs").text
    assert backend_of(app).jobs.get(made).status == "submitted"


def test_what_a_cookie_opens_is_for_no_cache_but_the_browsers(app: Flask) -> None:
    client = signed_in(app, "admin")
    for path in ("/queues", "/workers", "/history", "/jobs", "/operations", "/doctor", "/ui", "/ui/jobs/nope", "/jobs/nope"):
        answer = client.get(path)
        assert answer.headers["Cache-Control"].startswith("private"), path


def test_others_schedules_and_batches_are_shown_and_left_alone(app: Flask) -> None:
    admin, submitter = signed_in(app, "admin"), signed_in(app, "submit")
    job, shown = {"operation": "top_locations"}, {"X-CSRF-Token": csrf(admin)}
    assert admin.post("/schedules", json={"id": "theirs", "every": 60, "job": job}, headers=shown).status_code == 201
    assert admin.post("/batches", json={"id": "theirs", "jobs": [job]}, headers=shown).status_code == 202
    for page, order in (("schedules", "pause"), ("schedules", "trigger"), ("schedules", "delete"), ("batches/theirs", "cancel")):
        address = f"/ui/{page.partition('/')[0]}/theirs/{order}"
        assert address in admin.get(f"/ui/{page}").text
        assert address not in submitter.get(f"/ui/{page}").text
        assert submitter.post(address, data={"csrf": csrf(submitter)}).status_code == 403
    assert "admin-name" in submitter.get("/ui/schedules").text
    assert "Only admin-name and admins can change it" in submitter.get("/ui/schedules/theirs/change").text
    changed = submitter.post("/ui/schedules/theirs/change", data={"csrf": csrf(submitter), "every": "90"})
    assert changed.status_code == 403
    assert backend_of(app).jobs.schedule("theirs").recurrence.every == 60
