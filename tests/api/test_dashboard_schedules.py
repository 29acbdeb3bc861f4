"""The pages of schedules: the list, what can be done to one, and the form that makes and changes them."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.jobs import Jobs, Recurrence, Schedule
from services.api.dashboard.schedules import PAGE
from tests.api.conftest import backend_of, end
from tests.api.forms import form
from tests.commands import commands_sent

NIGHTLY: dict[str, Any] = {
    "id": "nightly",
    "cron": "0 2 * * *",
    "job": {"operation": "top_locations", "params": {"n": 3}, "priority": "low", "retry": {"max": 2}, "timeout": 30},
}
FILLED = {"operation": "top_locations", "cron": "0 6 * * *", "timezone": "America/Chicago", "missed": "skip", "params.n": "4"}


def error_of(page: str, name: str) -> str:
    """What stands beside a field."""
    found = re.search(rf'id="{name}-error"[^>]*>([^<]*)', page)
    return found.group(1) if found else ""


def test_without_schedules_the_page_says_what_one_is(client: FlaskClient) -> None:
    page = client.get("/ui/schedules").text
    assert "No schedules. One submits a job again and again" in page
    assert 'href="/ui/schedules/new"' in page
    assert 'href="/ui/schedules/new?operation=top_locations"' in client.get("/ui/schedules/new").text


def test_the_list_says_when_in_words_and_what_became_of_the_last(client: FlaskClient, queue: Jobs) -> None:
    client.post("/schedules", json=NIGHTLY)
    client.post("/schedules", json={"id": "often", "every": 900, "missed": "all", "job": {"operation": "top_locations"}})
    page = client.get("/ui/schedules").text
    assert '<code>0 2 * * *</code> <span class="quiet">America/Chicago</span>' in page
    assert "every 15 min" in page
    assert page.count("02:00:00 C") == 3
    assert "not yet" in page
    job = client.post("/schedules/often/trigger").get_json()["id"]
    end(queue)
    queue.store.records.hset(f"{queue.store.prefix}schedule.often", mapping={"last_job": job, "last": "1700000000"})
    page = client.get("/ui/schedules").text
    assert f"/ui/jobs/{job}" in page
    assert '<span class="status complete">' in page


def test_it_is_paused_resumed_run_and_deleted_with_forms(client: FlaskClient, queue: Jobs) -> None:
    client.post("/schedules", json=NIGHTLY)
    for _ in range(2):
        assert form(client, "/ui/schedules/nightly/pause").headers["Location"] == "/ui/schedules"
    assert "nightly is paused." in client.get("/ui/schedules").text
    assert '<span class="status warn">paused' in client.get("/ui/schedules").text
    form(client, "/ui/schedules/nightly/resume")
    assert queue.schedule("nightly").paused is False
    key = re.search(r'name="key" value="([^"]+)"', client.get("/ui/schedules").text)
    assert key is not None
    first, second = (form(client, "/ui/schedules/nightly/trigger", key=key.group(1)).headers["Location"] for _ in range(2))
    assert first == second
    assert queue.counts()["submitted"] == 1
    assert form(client, "/ui/schedules/nightly/delete").status_code == 303
    assert form(client, "/ui/schedules/nightly/delete").status_code == 404
    assert queue.schedules() == []


def test_a_schedule_is_made_once_however_often_its_form_is_sent(client: FlaskClient, queue: Jobs) -> None:
    page = client.get("/ui/schedules/new?operation=top_locations").text
    fresh = re.search(r'name="fresh" value="([^"]+)"', page)
    assert fresh is not None
    assert page.count("06:00:00 C") == 3  # the next three times of what stands in it
    for _ in range(2):
        assert form(client, "/ui/schedules/new", **FILLED, fresh=fresh.group(1)).status_code == 303
    (made,) = queue.schedules()
    assert (made.id, made.recurrence.cron, made.recurrence.timezone, made.missed) == (
        fresh.group(1), "0 6 * * *", "America/Chicago", "skip",
    )  # fmt: skip
    assert made.job == {"operation": "top_locations", "params": {"n": 4}}


def test_every_needs_no_zone(client: FlaskClient, queue: Jobs) -> None:
    assert form(client, "/ui/schedules/new", **FILLED | {"cron": "", "every": "90"}, id="often").status_code == 303
    assert queue.schedule("often").recurrence.every == 90


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"cron": "every day"}, "cron", "five fields"),
        ({"cron": "99 * * * *"}, "cron", "cannot be read"),
        ({"cron": "0 0 31 2 *"}, "cron", "cannot be read"),
        ({"cron": ""}, "cron", "either cron or every"),
        ({"every": "60"}, "cron", "not both"),
        ({"cron": "", "every": "0.5"}, "every", "1 to"),
        ({"cron": "", "every": "soon"}, "every", "number of seconds"),
        ({"cron": "", "every": "nan"}, "every", "finite"),
        ({"timezone": "Mars/Base"}, "timezone", "IANA"),
        ({"missed": "twice"}, "missed", "once"),
        ({"id": "a b"}, "id", "pattern"),
        ({"queue": "nowhere"}, "queue", "queue"),
        ({"priority": "urgent"}, "priority", "high"),
        ({"params.n": "many"}, "field-n", "whole number"),
        ({"cron": '"><script>\x00‮'}, "cron", "five fields"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_all_else_is_kept(
    client: FlaskClient, queue: Jobs, change: dict[str, str], field: str, said: str
) -> None:
    answer = form(client, "/ui/schedules/new", **FILLED | change)
    assert answer.status_code in (400, 422)
    assert said in error_of(answer.text, field)
    assert "<script>\x00" not in answer.text
    if "params.n" not in change:
        assert 'value="4"' in answer.text
    if field in ("id", "field-n", "queue", "missed"):
        assert answer.text.count("06:00:00 C") == 3
    assert queue.schedules() == []


def test_an_id_that_is_taken_is_said_beside_it(client: FlaskClient) -> None:
    client.post("/schedules", json=NIGHTLY)
    answer = form(client, "/ui/schedules/new", **FILLED, id="nightly")
    assert answer.status_code == 409
    assert "another content" in error_of(answer.text, "id")


def test_a_change_keeps_what_the_form_does_not_offer(client: FlaskClient, queue: Jobs) -> None:
    client.post("/schedules", json=NIGHTLY | {"job": NIGHTLY["job"] | {"unique": True}})
    page = client.get("/ui/schedules/nightly/change").text
    assert 'value="0 2 * * *"' in page
    assert "<option selected>low</option>" in page
    changed = {"cron": "", "every": "3600", "missed": "all", "priority": "high", "params.n": "7"}
    for _ in range(2):
        assert form(client, "/ui/schedules/nightly/change", **changed).status_code == 303
    found = queue.schedule("nightly")
    assert (found.recurrence.every, found.missed) == (3600, "all")
    assert found.job["params"] == {"n": 7}
    assert (found.job["priority"], found.job["timeout"], found.job["unique"], found.job["retry"]["max"]) == ("high", 30, True, 2)
    wrong = form(client, "/ui/schedules/nightly/change", **changed | {"every": "-1"})
    assert "1 to" in error_of(wrong.text, "every")
    assert form(client, "/ui/schedules/absent/change", **changed).status_code == 404


def test_a_schedule_may_be_called_new(client: FlaskClient) -> None:
    client.post("/schedules", json=NIGHTLY | {"id": "new"})
    assert 'value="0 2 * * *"' in client.get("/ui/schedules/new/change").text


def test_one_whose_operation_is_gone_is_shown_and_can_be_deleted(client: FlaskClient, queue: Jobs) -> None:
    client.post("/schedules", json=NIGHTLY)
    queue.store.records.hset(f"{queue.store.prefix}schedule.nightly", "job", '{"operation":"<b>gone"}')
    assert "No operation of this name" in client.get("/ui/schedules/nightly/change").text
    assert "<b>gone" not in client.get("/ui/schedules").text + client.get("/ui/schedules/nightly/change").text
    assert form(client, "/ui/schedules/nightly/change", every="60").status_code == 404
    assert form(client, "/ui/schedules/nightly/delete").status_code == 303


def test_a_page_costs_the_same_with_many(app: Flask, client: FlaskClient, queue: Jobs) -> None:
    def sent() -> int:
        with commands_sent(backend_of(app).store.settings.redis_port) as commands:
            assert client.get("/ui/schedules").status_code == 200
        return len(commands)

    for number in range(PAGE):
        queue.put_schedule(Schedule(f"s-{number}", {"operation": "top_locations"}, Recurrence(every=60)))
    before = sent()
    for number in range(PAGE, 3 * PAGE):
        queue.put_schedule(Schedule(f"s-{number}", {"operation": "top_locations"}, Recurrence(every=60)))
    assert sent() <= before + 1  # one more than a page is read, so as to know whether there is a next
    page = client.get("/ui/schedules").text
    assert len(page.encode()) < 150_000
    assert page.count('scope="row"') == PAGE
    last = client.get("/ui/schedules?page=2").text
    assert "s-149" in last
    assert 'rel="next"' not in last
    for odd in ("3", "-1", "x", "٣", "9" * 30):
        assert client.get("/ui/schedules", query_string={"page": odd}).status_code == 200
