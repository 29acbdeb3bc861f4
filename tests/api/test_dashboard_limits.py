"""The dashboard under requests that nobody would send by hand, and under jobs that say very much."""

import re
from html import unescape

import orjson
import pytest
from flask.testing import FlaskClient

from lib.claims import complete
from lib.jobs import Jobs
from tests.api.conftest import claim, fail, submit
from tests.api.pages import page, post


@pytest.mark.parametrize("name", ["endpoint", "_method", "_scheme", "_external", "_anchor", "self"])
def test_a_name_in_the_query_string_is_no_order(client: FlaskClient, queue: Jobs, name: str) -> None:
    for _ in range(51):
        submit(client)
    text = page(client, f"/ui/jobs?{name}=ftp&status=submitted&span=day")
    assert 'href="/ui/jobs?span=day&amp;status=failed"' in text
    assert "ftp" not in re.sub(r'name="next" value="[^"]*"', "", text)
    older = re.search(r'rel="next" href="([^"]+)"', text)
    assert older is not None
    assert unescape(older[1]).startswith("/ui/jobs?span=day&status=submitted&cursor=")


@pytest.mark.parametrize("run", ["9" * 5_000, "9" * 30, "\u0663", "-1", "x"])
def test_a_run_that_cannot_be_is_the_present_one(client: FlaskClient, queue: Jobs, run: str) -> None:
    jid = submit(client)
    fail(queue)
    assert "It waits to run again." in post(client, f"/ui/jobs/{jid}/retry", run=run)


def test_a_job_that_says_much_still_has_a_small_page(client: FlaskClient, queue: Jobs) -> None:
    words = "<'\"&" * 2_400
    jid = submit(client, "print", params={"msg": words})
    taken = claim(queue)
    queue.append_log(taken, [f"line {number} {words[:4_000]}" for number in range(600)])
    queue.partial(taken, orjson.dumps([words] * 10))
    assert len(page(client, f"/ui/jobs/{jid}")) < 150_000
    queue.finish(taken, complete(orjson.dumps([{f"column {at}": words for at in range(10)}] * 300)))
    text = page(client, f"/ui/jobs/{jid}")
    assert len(text) < 150_000
    assert "line 599 " in text
    assert f'<a href="/jobs/{jid}/log">from the beginning</a>' in text
    assert "rows; CSV has all." in text
    assert "too long to be repeated here" in text
