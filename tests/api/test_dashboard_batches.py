"""The pages of batches: the list, one with its counts, and what is done to all of its jobs."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.jobs import Jobs, Submission
from tests.api.conftest import backend_of, claim, end, fail
from tests.api.forms import form
from tests.commands import commands_sent


@pytest.fixture
def batch(client: FlaskClient) -> str:
    """A batch of four jobs."""
    jobs = [{"operation": "top_locations", "params": {"n": n}} for n in range(1, 5)]
    assert client.post("/batches", json={"id": "four", "jobs": jobs}).status_code == 202
    return "four"


def test_without_batches_the_page_says_what_one_is(client: FlaskClient) -> None:
    assert "No batches. One is up to 10,000 jobs" in client.get("/ui/batches").text
    assert client.get("/ui/batches/absent").status_code == 404
    assert client.get("/ui/batches?cursor=x").status_code == 400


def test_the_list_and_the_batch_say_how_far_it_is(client: FlaskClient, queue: Jobs, batch: str) -> None:
    end(queue)
    fail(queue)
    for path in ("/ui/batches", f"/ui/batches/{batch}"):
        page = client.get(path).text
        assert 'aria-label="1 done, 1 failed, 0 cancelled, 2 pending"' in page
        assert re.search(r'class="failed" x="25.0" width="25.0"', page)
        assert "2 of 4" in page
    assert "batch=four&amp;status=failed" in page
    assert client.get("/ui/jobs?batch=four&status=failed").text.count('name="ids"') == 1


def test_its_failed_jobs_run_again_and_the_rest_is_cancelled(client: FlaskClient, queue: Jobs, batch: str) -> None:
    fail(queue)
    page = client.get("/ui/batches/four").text
    assert "/ui/batches/four/retry" in page
    for wanted in (1, 0):
        assert form(client, "/ui/batches/four/retry").headers["Location"] == "/ui/batches/four"
        assert f"{wanted} job{'' if wanted == 1 else 's'} run again." in client.get("/ui/batches/four").text
    running = claim(queue)
    form(client, "/ui/batches/four/cancel")
    assert "3 jobs cancelled, 1 that run were told to stop." in client.get("/ui/batches/four").text
    assert queue.get(running.id).cancel_requested
    assert queue.batch("four").cancelled == 3


def test_one_that_has_ended_offers_no_cancel(client: FlaskClient, queue: Jobs, batch: str) -> None:
    for _ in range(4):
        end(queue)
    page = client.get("/ui/batches/four").text
    assert "/ui/batches/four/cancel" not in page
    assert "/ui/batches/four/retry" not in page
    assert '<span class="status complete">' in page


def test_a_page_costs_the_same_with_many_and_leads_to_older_ones(app: Flask, client: FlaskClient, queue: Jobs) -> None:
    def sent(path: str) -> int:
        with commands_sent(backend_of(app).store.settings.redis_port) as commands:
            assert client.get(path).status_code == 200
        return len(commands)

    for number in range(50):
        queue.submit_batch([Submission("top_locations", {"n": 1})], id=f"b-{number}")
    few, one = sent("/ui/batches"), sent("/ui/batches/b-1")
    queue.submit_batch([Submission("top_locations", {"n": 1}) for _ in range(2_000)], id="large")
    for number in range(50, 75):
        queue.submit_batch([Submission("top_locations", {"n": 1})], id=f"b-{number}")
    assert sent("/ui/batches") == few
    assert sent("/ui/batches/large") <= one
    page = client.get("/ui/batches").text
    assert page.count('scope="row"') == 50
    assert len(page.encode()) < 150_000
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    assert client.get(following.group(1)).text.count('scope="row"') == 26


def test_who_made_it_is_shown_as_text(client: FlaskClient, queue: Jobs) -> None:
    queue.submit_batch([Submission("top_locations", {"n": 1})], id="x", by="<script>")
    page = client.get("/ui/batches").text + client.get("/ui/batches/x").text
    assert "<script>" not in page.replace('<script src="', "")
    assert "&lt;script&gt;" in page
