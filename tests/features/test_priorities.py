"""Priorities decide inside a queue."""

from tests.features.conftest import Face


def test_the_highest_priority_is_run_first(face: Face) -> None:
    ids = {name: face.submit("echo", queue="parked", priority=name)["id"] for name in ("low", "normal", "high")}
    with face.service.worker(worker_queues="parked", worker_children=1, worker_name="priorities") as worker:
        ended = {name: face.wait(jid) for name, jid in ids.items()}
        worker.stop()
    started = [ended[name]["started"] for name in ("high", "normal", "low")]
    assert started == sorted(started)
