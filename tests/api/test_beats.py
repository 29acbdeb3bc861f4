"""What workers and consumers say of themselves, and what another program says in their place, ends no page."""

from contextlib import closing
from typing import Any

import pytest
from flask.testing import FlaskClient

from lib.consumer import Consumer
from lib.jobs import Jobs
from tests.waiting import until

PAGES = ("/ui", "/ui/workers", "/ui/queues", "/workers", "/history", "/metrics", "/doctor")


def answers(client: FlaskClient) -> dict[str, int]:
    return {path: client.get(path).status_code for path in PAGES}


def test_a_consumer_beats_and_every_page_is_there(client: FlaskClient, queue: Jobs) -> None:
    with closing(Consumer(queue, ["job-queue"])) as consumer:
        assert consumer.next(block=False, timeout=None) is None
        until(queue.workers, 10, "its beat")
        assert queue.workers()[0]["kind"] == "consumer"
        assert answers(client) == dict.fromkeys(PAGES, 200)
        assert "1 worker with 0 children" in client.get("/ui").get_data(as_text=True)


@pytest.mark.parametrize("name", ["children", "queues", "operations", "operations_broken", "version", "draining", "memory_bytes"])
def test_what_is_null_in_a_beat_is_left_out(client: FlaskClient, queue: Jobs, name: str) -> None:
    queue.beat("w", {"kind": "worker", "queues": ["job-queue"], "children": 1, "version": "1", name: None}, [])
    (worker,) = queue.workers()
    assert worker.get(name) == (False if name == "draining" else None)
    assert answers(client) == dict.fromkeys(PAGES, 200)


@pytest.mark.parametrize("broken", [["x"], [{}], [None], [{"file": "a.py"}], [{"file": 1, "reason": []}], {}, "x"])
def test_a_beat_whose_broken_files_are_none_is_that_of_another_program(client: FlaskClient, queue: Jobs, broken: Any) -> None:
    queue.beat("w", {"kind": "worker", "operations_broken": broken}, [])
    assert queue.workers() == []
    assert answers(client) == dict.fromkeys(PAGES, 200)
