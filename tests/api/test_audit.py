"""The audit trail: who did what to what, in the log and in the events; refused ones in the log alone."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.errors import StoreUnavailable
from lib.jobs import Jobs
from lib.settings import Settings
from services.api.app import create_app
from services.api.audit import _MOVES
from services.api.contract import contract_of
from services.api.entries import START, events_between
from tests.api.conftest import CSV, backend_of, claim, fail
from tests.commands import commands_sent
from tests.servers import Server
from tests.tokens import line

LAST = (1 << 62, 0)
ADMIN, SUBMIT, VIEW = "tj_admin-token", "tj_submit-token", "tj_view-token"


def bearer(token: str, request_id: str = "") -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} | ({"X-Request-ID": request_id} if request_id else {})


@pytest.fixture
def app(settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    """An application with a token of each role: ann, sam and vic."""
    names = {ADMIN: "ann admin", SUBMIT: "sam submit", VIEW: "vic view"}
    path = tmp_path / "tokens"
    path.write_text("".join(line(*who.split(), token) for token, who in names.items()))
    made = create_app(settings.model_copy(update={"tokens_file": path}))
    yield made
    backend_of(made).jobs.close()


@pytest.fixture
def trail(caplog: pytest.LogCaptureFixture) -> "Trail":
    caplog.set_level(logging.INFO, "trafficjobs.audit")
    return Trail(caplog)


class Trail:
    """Lines of the audit trail since it was last asked for them."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def lines(self) -> list[tuple[str, ...]]:
        names = ("action", "target", "by", "role", "request_id", "status")
        found = [entry for entry in self._caplog.records if entry.name == "trafficjobs.audit" and entry.msg == "audit"]
        self._caplog.clear()
        return [tuple(getattr(entry, name) for name in names) for entry in found]


def told(queue: Jobs) -> list[dict[str, Any]]:
    """All that stands in the stream of events, as clients see it."""
    return [each.data for page in events_between(queue.store, START, LAST, None) for each in page]  # type: ignore[arg-type]


def moves(queue: Jobs) -> list[tuple[str, str | None]]:
    return [(each["status"], each.get("by")) for each in told(queue) if "status" in each]


def actions(queue: Jobs) -> list[tuple[str, str, str, str]]:
    return [(each["action"], each["target"], each["by"], each["request_id"]) for each in told(queue) if "action" in each]


def test_what_is_done_to_a_job_is_told_with_who_did_it(client: FlaskClient, queue: Jobs, trail: Trail) -> None:
    sam, ann = bearer(SUBMIT, "r-sam"), bearer(ADMIN, "r-ann")
    jid = client.post("/jobs", json={"operation": "unique_issues"}, headers=sam).get_json()["id"]
    assert client.post(f"/jobs/{jid}/cancel", headers=ann).status_code == 200
    assert client.post(f"/jobs/{jid}/retry", headers=sam).status_code == 202
    claim(queue)
    assert client.post(f"/jobs/{jid}/cancel", headers=ann).status_code == 202
    queue.bury("child", "", "released", "cancelled", {})
    assert client.delete(f"/jobs/{jid}", headers=sam).status_code == 204
    assert trail.lines() == [
        ("jobs.submit", jid, "sam", "submit", "r-sam", 202),
        ("jobs.cancel", jid, "ann", "admin", "r-ann", 200),
        ("jobs.retry", jid, "sam", "submit", "r-sam", 202),
        ("jobs.cancel", jid, "ann", "admin", "r-ann", 202),
        ("jobs.delete", jid, "sam", "submit", "r-sam", 204),
    ]
    assert moves(queue) == [
        ("submitted", "sam"),
        ("cancelled", "ann"),
        ("submitted", "sam"),
        ("in-progress", None),
        ("cancelled", "ann"),
        ("deleted", "sam"),
    ]
    assert actions(queue) == []


def test_many_jobs_at_once_are_told_one_by_one_and_as_what_was_done(client: FlaskClient, queue: Jobs, trail: Trail) -> None:
    sam, ann = bearer(SUBMIT, "r-sam"), bearer(ADMIN, "r-ann")
    body = {"id": "many", "jobs": [{"operation": "unique_issues", "id": name} for name in ("a", "b", "c")]}
    assert client.post("/batches", json=body, headers=sam).status_code == 202
    fail(queue)
    assert client.post("/batches/many/cancel", headers=ann).get_json() == {"cancelled": 2, "told": 0}
    assert client.post("/batches/many/retry", headers=ann).get_json() == {"retried": 3}
    fail(queue)
    assert client.post("/failures/retry", headers=ann).get_json()["retried"] == 1
    assert client.post("/queues/job-queue/purge", headers=ann).get_json()["cancelled"] == 3
    wanted = [
        ("batches.submit", "many", "sam", "r-sam"),
        ("batches.cancel", "many", "ann", "r-ann"),
        ("batches.retry", "many", "ann", "r-ann"),
        ("failures.retry_all", "", "ann", "r-ann"),
        ("queues.purge", "job-queue", "ann", "r-ann"),
    ]
    assert actions(queue) == wanted
    assert [line[:3] for line in trail.lines()] == [each[:3] for each in wanted]
    ended = [("in-progress", None), ("failed", None)]
    assert moves(queue) == [
        *[("submitted", "sam")] * 3,
        *ended,
        *[("cancelled", "ann")] * 2,
        *[("submitted", "ann")] * 3,
        *ended,
        ("submitted", "ann"),
        *[("cancelled", "ann")] * 3,
    ]


def test_what_is_no_move_of_a_job_is_told_as_an_action(client: FlaskClient, queue: Jobs) -> None:
    ann = bearer(ADMIN, "r-1")
    queue.beat("box", {"kind": "worker"}, [])
    schedule = {"id": "nightly", "every": 60, "job": {"operation": "unique_issues"}}
    for order in ("pause", "resume", "drain", "open"):
        assert client.post(f"/queues/job-queue/{order}", headers=ann).status_code == 200
    for order in ("drain", "resume"):
        assert client.post(f"/workers/box/{order}", headers=ann).status_code == 200
    assert client.post("/schedules", json=schedule, headers=ann).status_code == 201
    assert client.put("/schedules/nightly", json={"every": 90, "job": schedule["job"]}, headers=ann).status_code == 200
    assert client.post("/schedules/nightly/trigger", headers=ann).status_code == 202
    assert client.delete("/schedules/nightly", headers=ann).status_code == 204
    load = client.post("/data?mode=replace", data=CSV, headers=ann).get_json()["id"]
    assert actions(queue) == [
        *[(f"queues.{name}", "job-queue", "ann", "r-1") for name in ("pause", "resume", "drain", "open_again")],
        *[(f"queues.{name}", "box", "ann", "r-1") for name in ("drain_worker", "resume_worker")],
        *[(f"schedules.{name}", "nightly", "ann", "r-1") for name in ("create", "change", "trigger", "delete")],
        ("data.load", load, "ann", "r-1"),
    ]


def test_what_is_refused_stands_in_the_log_alone(client: FlaskClient, queue: Jobs, trail: Trail) -> None:
    job = {"operation": "unique_issues", "id": "one"}
    client.post("/jobs", json=job, headers=bearer(ADMIN))
    before = told(queue)
    trail.lines()
    refused = [
        (client.post("/queues/job-queue/pause", headers={"X-Request-ID": "r-1"}), ("queues.pause", "job-queue", "", "", 401)),
        (client.post("/jobs", json=job, headers=bearer("tj_unknown")), ("jobs.submit", "", "", "", 401)),
        (client.post("/queues/job-queue/pause", headers=bearer(SUBMIT)), ("queues.pause", "job-queue", "sam", "submit", 403)),
        (client.delete("/jobs/one", headers=bearer(VIEW)), ("jobs.delete", "one", "vic", "view", 403)),
        (client.post("/jobs/one/cancel", headers=bearer(SUBMIT)), ("jobs.cancel", "one", "sam", "submit", 403)),
        (client.post("/jobs/one/retry", headers=bearer(ADMIN)), ("jobs.retry", "one", "ann", "admin", 409)),
        (client.post("/jobs", json={"operation": "no"}, headers=bearer(SUBMIT)), ("jobs.submit", "", "sam", "submit", 422)),
        (client.post("/jobs/none/cancel", headers=bearer(SUBMIT)), ("jobs.cancel", "none", "sam", "submit", 404)),
    ]
    lines = trail.lines()
    assert [(*line[:4], line[5]) for line in lines] == [wanted for _, wanted in refused]
    assert [line[4] for line in lines] == [answer.headers["X-Request-ID"] for answer, _ in refused]
    assert told(queue) == before
    client.get("/jobs", headers=bearer(VIEW))
    client.get("/queues", headers=bearer(VIEW))
    assert trail.lines() == []


def test_every_route_that_changes_something_is_in_the_trail(app: Flask, client: FlaskClient, trail: Trail) -> None:
    asked = set()
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
            contract = contract_of(app.view_functions[rule.endpoint])
            assert contract is not None
            path = rule.rule
            for name in rule.arguments:
                path = path.replace(f"<{name}>", "x")
            client.open(path, method=method)
            asked.add(contract.action or rule.endpoint)
    assert {line[0] for line in trail.lines()} == asked
    assert asked > _MOVES


def test_a_submit_costs_no_command_more_and_another_action_one(client: FlaskClient, server: Server) -> None:
    ann = bearer(ADMIN)
    client.post("/jobs", json={"operation": "unique_issues"}, headers=ann)
    client.post("/queues/job-queue/drain", headers=ann)
    client.post("/queues/job-queue/open", headers=ann)
    with commands_sent(server.port) as commands:
        client.post("/jobs", json={"operation": "unique_issues"}, headers=ann)
    assert commands == ["EVALSHA"]
    with commands_sent(server.port) as commands:
        client.post("/queues/job-queue/drain", headers=ann)
    assert commands.count("EVALSHA") == 3  # the order, the queue as it is now, the note


def test_what_was_done_is_done_also_where_the_note_cannot_be_written(
    client: FlaskClient, queue: Jobs, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: str) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(queue, "note", away)
    assert client.post("/queues/job-queue/pause", headers=bearer(ADMIN)).status_code == 200
    assert [line[0] for line in trail.lines()] == ["queues.pause"]
