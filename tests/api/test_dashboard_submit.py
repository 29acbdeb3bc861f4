"""Submitting by a form: what it asks for, its errors beside the fields, and one job however often it is sent."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from lib.jobs import Jobs
from lib.operations import load_catalog
from lib.settings import Settings
from services.api.app import create_app
from tests.api.conftest import backend_of, end, submit
from tests.api.pages import HOSTILE, page


def form_of(client: FlaskClient, path: str) -> dict[str, str]:
    """The hidden fields of a form."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page(client, path)))


def send(client: FlaskClient, name: str, **fields: Any) -> Any:
    hidden = {key: value for key, value in form_of(client, f"/ui/submit/{name}").items() if key in ("csrf", "id")}
    return client.post(f"/ui/submit/{name}", data=hidden | {key.replace("__", "."): value for key, value in fields.items()})


@pytest.mark.parametrize("name", load_catalog().names())
def test_every_operation_has_its_form(client: FlaskClient, name: str) -> None:
    assert f'action="/ui/submit/{name}"' in page(client, f"/ui/submit/{name}")
    assert f"/ui/submit/{name}" in page(client, "/ui/submit")


def test_forms_offer_the_queues_that_take_submissions(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"queues": ["second"], "adopt_queues": ["foreign"]}))
    for path in ("/ui/submit/top_locations", "/ui/schedules/new?operation=top_locations"):
        text = page(app.test_client(), path)
        assert "second" in text
        assert "foreign" not in text
    backend_of(app).jobs.close()


def test_what_is_filled_in_is_what_the_job_gets(client: FlaskClient, queue: Jobs) -> None:
    answer = send(
        client,
        "top_locations",
        params__n="3",
        params__by="grid",
        params__issue="Crash Urgent\r\nCrash Service",
        params__start="2023-01-01",
        priority="high",
        run_in="60",
        retries="2",
    )
    assert answer.status_code == 303
    (job,) = queue.page().jobs
    assert answer.headers["Location"] == f"/ui/jobs/{job.id}"
    params = {"n": 3, "by": "grid", "issue": ["Crash Urgent", "Crash Service"], "start": "2023-01-01"}
    assert job.input["params"] == params
    assert (job.status, job.priority, job.retry["max"]) == ("scheduled", "high", 2)


def test_errors_stand_beside_their_fields_and_what_was_typed_stays(client: FlaskClient, queue: Jobs) -> None:
    answer = send(client, "top_locations", params__n="99999", params__start="soon")
    assert answer.status_code == 422
    for name in ("n", "start"):
        assert re.search(rf'id="field-{name}-error" role="alert">[^<]+', answer.text), name
        assert f'aria-describedby="field-{name}-hint field-{name}-error"' in answer.text
    assert 'value="99999"' in answer.text
    assert 'value="soon"' in answer.text
    assert not queue.page().jobs


@pytest.mark.parametrize(("field", "value"), [("timeout", "-1"), ("run_in", "x"), ("retries", "101"), ("run_in", "1e99")])
def test_an_option_that_does_not_fit_is_told_beside_it(client: FlaskClient, queue: Jobs, field: str, value: str) -> None:
    answer = send(client, "unique_issues", **{field: value})
    assert answer.status_code in (400, 422), answer.text
    assert re.search(rf'name="{field}" value="{value}"[^>]*aria-invalid="true"', answer.text), answer.text
    assert 'role="alert"' in answer.text
    assert not queue.page().jobs


def test_a_form_that_is_sent_twice_is_one_job(client: FlaskClient, queue: Jobs) -> None:
    hidden = form_of(client, "/ui/submit/unique_issues")
    for _ in range(2):
        answer = client.post("/ui/submit/unique_issues", data=hidden)
        assert answer.headers["Location"] == f"/ui/jobs/{hidden['id']}"
    assert len(queue.page().jobs) == 1


def test_a_form_that_was_sent_and_then_changed_can_be_sent_as_another_job(client: FlaskClient, queue: Jobs) -> None:
    hidden = form_of(client, "/ui/submit/top_locations")
    assert client.post("/ui/submit/top_locations", data=hidden | {"params.n": "3"}).status_code == 303
    answer = client.post("/ui/submit/top_locations", data=hidden | {"params.n": "4"})
    assert answer.status_code == 409
    assert "This form was sent before with other content" in answer.text
    again = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text))
    assert client.post("/ui/submit/top_locations", data=again | {"params.n": "4"}).status_code == 303
    assert len(queue.page().jobs) == 2


def test_run_again_with_changes_starts_from_the_job(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client, "top_locations", params={"n": 7, "issue": ["A", "B"], "road": HOSTILE[:60]})
    end(queue)
    text = page(client, f"/ui/submit/top_locations?like={jid}")
    assert 'value="7"' in text
    assert ">A\nB</textarea>" in text
    course = client.post("/jobs", json={"start": "2023-01-01", "end": "2023-02-01"}).get_json()["id"]
    assert 'value="2023-02-01"' in page(client, f"/ui/submit/describe?like={course}")
    assert 'value="5"' in page(client, "/ui/submit/top_locations?like=gone")


def test_what_the_queue_refuses_is_said(client: FlaskClient, queue: Jobs) -> None:
    queue.drain("job-queue")
    answer = send(client, "unique_issues")
    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    assert re.search(r'id="queue-error" role="alert">[^<]*job-queue[^<]+', answer.text)


@pytest.mark.parametrize("number", ["9" * 26, "-" + "9" * 26, "9" * 5_000, "1e400", "nan"])
def test_a_number_beyond_all_bounds_is_refused_beside_its_field(client: FlaskClient, queue: Jobs, number: str) -> None:
    answer = send(client, "top_locations", params__n=number)
    assert answer.status_code == 422
    assert 'id="field-n-error" role="alert">' in answer.text
    assert not queue.page().jobs
