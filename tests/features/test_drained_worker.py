"""Workers are listed live with what they run; one that is drained ends its job and takes no more."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tests.features.conftest import Face
from tests.waiting import until
from tests.workers import Worker


@pytest.fixture
def extra(face: Face) -> Iterator[Worker]:
    """A worker of one child that alone serves the queue `parked`."""
    with face.service.worker(worker_queues="parked", worker_children=1, worker_name="extra") as worker:
        until(lambda: named(face, "extra"), 30, "the worker's beat")
        yield worker


def named(face: Face, name: str) -> dict[str, Any] | None:
    """What /workers shows of the worker whose name begins so."""
    found = [one for one in face.http.get("/workers").json()["workers"] if one["name"].startswith(f"{name}-")]
    return found[-1] if found else None


def said(face: Face, name: str) -> dict[str, Any]:
    """What a worker says of itself, as of its last beat."""
    records = face.jobs.store.records
    told: dict[str, Any] = orjson.loads(records.hget(f"{face.service.settings.key_prefix}worker.{name}", "info") or b"{}")  # type: ignore[arg-type]
    return told


def test_a_drained_worker_ends_its_job_and_takes_no_more_until_it_is_resumed(face: Face, extra: Worker) -> None:
    path, open_gate = face.gate()
    running = face.wait(face.submit("gate", params={"path": path}, queue="parked"), "in-progress")
    waiting = face.submit("echo", params={"value": 7}, queue="parked")
    shown = named(face, "extra")
    assert shown is not None
    (run,) = shown["running"]
    assert (run["job"], run["operation"], run["started"]) == (running["id"], "gate", running["started"])
    assert (shown["queues"], shown["children"], shown["draining"]) == (["parked"], 1, False)
    assert shown["version"]
    assert shown["host"]

    for _ in range(2):
        answer = face.http.post(f"/workers/{shown['name']}/drain")
        assert (answer.status_code, answer.json()["draining"]) == (200, True)
    until(lambda: said(face, shown["name"])["draining"], 10, "the worker that has heard of it")
    open_gate()
    assert face.wait(running)["status"] == "complete"
    until(lambda: not extra.children, 10, "the end of its child")
    assert face.get(waiting)["status"] == "submitted"
    until(lambda: "drained" in face.shell("workers")[1], 10, "the word that it is drained")

    code, told = face.shell("worker", "resume", shown["name"])
    assert (code, told) == (0, f"{shown['name']} is on; it runs 0 jobs\n")
    assert face.wait(waiting)["result"] == 7


def test_a_worker_that_is_killed_while_it_drains_loses_nothing(face: Face, extra: Worker) -> None:
    path, open_gate = face.gate()
    running = face.wait(face.submit("gate", params={"path": path}, queue="parked"), "in-progress")
    shown = named(face, "extra")
    assert shown is not None
    assert face.client.drain_worker(shown["name"])["draining"]
    extra.kill_all()
    open_gate()
    with face.service.worker(worker_queues="parked", worker_children=1, worker_name="next") as following:
        assert face.wait(running)["lost"] == 1
        following.stop()


def test_nobody_of_that_name_is_a_404(face: Face) -> None:
    answer = face.http.post("/workers/nobody/drain")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-worker")
    assert face.shell("worker", "drain", "nobody")[0] == 3
