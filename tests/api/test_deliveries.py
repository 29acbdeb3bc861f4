"""`notify` and the log of deliveries over HTTP: what is taken, what is shown, and who may send again."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.firing import fire_due
from lib.jobs import Jobs
from lib.settings import Settings
from services.api.app import create_app
from tests.api.conftest import backend_of, end, fail, submit
from tests.receivers import SECRET
from tests.unit.test_schedules import set_back

HOOK = {"webhook": "https://example.org/hook?token=secret"}
SHOWN = "https://example.org/hook?***"


@pytest.fixture
def app(settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    """An application that sends webhooks; nobody has to sign in unless a request has a token."""
    made = create_app(settings.model_copy(update={"webhook_secret": SECRET, "webhook_allow": ["127.0.0.1/32"]}))
    yield made
    backend_of(made).jobs.close()


def test_who_is_told_stands_in_the_record_without_the_secret_of_the_url(client: FlaskClient) -> None:
    answer = client.post("/jobs", json={"operation": "unique_issues", "notify": [HOOK, {**HOOK, "on": ["failed"]}]})
    assert answer.status_code == 202
    assert answer.get_json()["notify"] == [
        {"webhook": SHOWN, "on": ["complete", "failed", "cancelled"]},
        {"webhook": SHOWN, "on": ["failed"]},
    ]
    assert client.get(answer.headers["Location"]).get_json()["notify"] == answer.get_json()["notify"]
    assert "notify" not in client.get(f"/jobs/{submit(client)}").get_json()


@pytest.mark.parametrize(
    ("notify", "field"),
    [
        ([{"webhook": "http://127.0.0.2/"}], "notify.0.webhook"),
        ([HOOK, {"webhook": "https://169.254.169.254/"}], "notify.1.webhook"),
        ([{"webhook": SHOWN}], "notify.0.webhook"),
        ([{"email": "ann@example.org"}], "notify.0.email"),
        ([{**HOOK, "on": []}], "notify.0.on"),
        ([{**HOOK, "on": ["started"]}], "notify.0.on.0"),
        ([{**HOOK, "url": "x"}], "notify.0.url"),
        ([{}], "notify.0"),
        ([HOOK] * 6, "notify"),
        (HOOK, "notify"),
        ([1], "notify.0"),
    ],
)
def test_a_wrong_target_is_refused_by_its_field(client: FlaskClient, notify: object, field: str) -> None:
    for path, body in (
        ("/jobs", {"operation": "unique_issues", "notify": notify}),
        ("/schedules", {"every": 60, "job": {"operation": "unique_issues", "notify": notify}}),
    ):
        answer = client.post(path, json=body)
        assert (answer.status_code, answer.get_json()["field"]) == (400, field)
    assert client.get("/jobs").get_json()["jobs"] == client.get("/schedules").get_json()["schedules"] == []


def test_without_a_secret_the_operator_is_told_what_to_set(settings: Settings) -> None:
    app = create_app(settings)
    answer = app.test_client().post("/jobs", json={"operation": "unique_issues", "notify": [HOOK]})
    assert answer.status_code == 400
    assert "WEBHOOK_SECRET" in answer.get_json()["detail"]
    backend_of(app).jobs.close()


def test_the_log_has_every_attempt_and_a_delivery_is_sent_again(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client, notify=[HOOK])
    assert client.get(f"/jobs/{jid}/deliveries").get_json() == {"deliveries": []}
    end(queue)
    (made,) = client.get(f"/jobs/{jid}/deliveries").get_json()["deliveries"]
    assert made | {"created": None, "next": None} == {
        "id": f"job_{jid}_0_1",
        "webhook": SHOWN,
        "event": "complete",
        "state": "pending",
        "created": None,
        "next": None,
        "attempts": [],
    }
    taken = queue.take_delivery("one")
    assert taken is not None
    assert taken.to == HOOK["webhook"]
    attempt = {"at": "2024-05-01T12:00:00Z", "seconds": 0.5, "status": 410, "error": "the receiver is gone for good (410)"}
    queue.settle_delivery(taken, "failed", attempt)
    (failed,) = client.get(f"/jobs/{jid}/deliveries").get_json()["deliveries"]
    assert (failed["state"], failed["next"], failed["attempts"]) == ("failed", None, [attempt])
    again = client.post(f"/jobs/{jid}/deliveries/{made['id']}/resend")
    assert (again.status_code, again.get_json()["state"]) == (202, "pending")
    assert again.get_json()["attempts"] == [attempt]
    metrics = client.get("/metrics").text
    assert 'trafficjobs_deliveries_failed_total{channel="webhook"} 1.0' in metrics
    assert 'trafficjobs_delivery_attempts_total{channel="webhook"} 1.0' in metrics


@pytest.mark.parametrize("delivery", ["job_nope_0_1", "%00", "x" * 3_000])
def test_what_is_not_there_is_a_404(client: FlaskClient, queue: Jobs, delivery: str) -> None:
    jid = submit(client, notify=[HOOK])
    assert client.post(f"/jobs/{jid}/deliveries/{delivery}/resend").status_code == 404
    assert client.get("/jobs/nope/deliveries").get_json()["type"] == "/problems/unknown-job"
    other = submit(client, notify=[HOOK])
    end(queue)
    end(queue)
    answer = client.post(f"/jobs/{jid}/deliveries/job_{other}_0_1/resend")
    assert (answer.status_code, answer.get_json()["type"]) == (404, "/problems/not-found")


def test_jobs_of_a_schedule_tell_of_their_end_too(client: FlaskClient, queue: Jobs) -> None:
    made = client.post("/schedules", json={"id": "s", "every": 60, "job": {"operation": "unique_issues", "notify": [HOOK]}})
    assert made.get_json()["job"]["notify"] == [{"webhook": SHOWN}]
    due = set_back(queue, "s", 5)
    assert fire_due(queue) == 1
    fail(queue)
    taken = queue.take_delivery("one")
    assert taken is not None
    assert (taken.owner, taken.event, taken.to) == (f"s-{due:.0f}", "failed", HOOK["webhook"])


def test_only_its_owner_sends_again_and_everybody_reads_the_log(settings: Settings, tmp_path: Path) -> None:
    lines = [
        f"{name} {role} {hashlib.sha256(name.encode()).hexdigest()}"
        for name, role in (("ann", "submit"), ("bob", "submit"), ("viv", "view"), ("root", "admin"))
    ]
    (tmp_path / "tokens").write_text("\n".join(lines))
    app = create_app(settings.model_copy(update={"webhook_secret": SECRET, "tokens_file": tmp_path / "tokens"}))
    client, queue = app.test_client(), backend_of(app).jobs

    def sign_in(name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {name}"}

    body = {"operation": "unique_issues", "notify": [HOOK]}
    jid = client.post("/jobs", json=body, headers=sign_in("ann")).get_json()["id"]
    end(queue)
    path = f"/jobs/{jid}/deliveries"
    assert client.get(path).status_code == 401
    (delivery,) = client.get(path, headers=sign_in("viv")).get_json()["deliveries"]
    statuses = {
        name: client.post(f"{path}/{delivery['id']}/resend", headers=sign_in(name)).status_code
        for name in ("ann", "bob", "viv", "root")
    }
    assert statuses == {"ann": 202, "bob": 403, "viv": 403, "root": 202}
    queue.close()


def test_the_document_describes_the_targets_that_can_be_reached(settings: Settings, client: FlaskClient) -> None:
    for more, kinds, most in (
        ({}, [], 0),
        ({"webhook_secret": SECRET}, ["webhook"], 5),
        ({"webhook_secret": SECRET, "smtp_host": "mail", "smtp_from": "a@example.org"}, ["webhook", "email"], 5),
    ):
        app = create_app(settings.model_copy(update=more))
        document = app.test_client().get("/openapi.json").get_json()
        given = document["components"]["schemas"]["job_notify"]["anyOf"][0]
        assert [each["$ref"].rpartition("/")[2] for each in given["items"].get("anyOf", [])] == [
            f"{kind}_target" for kind in kinds
        ]
        assert given["maxItems"] == most
        backend_of(app).jobs.close()


def test_failed_ttl_is_taken_beside_result_ttl(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client, failed_ttl=5, result_ttl=5_000)
    fail(queue)
    expiry = float(queue.store.records.zscore(f"{queue.store.prefix}jobs.expiry", jid) or 0)  # type: ignore[arg-type]
    assert expiry - float(queue.store.records.time()[0]) < 10
    for value in (0, -1, "5", 1.5):
        answer = client.post("/jobs", json={"operation": "unique_issues", "failed_ttl": value})
        assert (answer.status_code, answer.get_json()["field"]) == (400, "failed_ttl")
