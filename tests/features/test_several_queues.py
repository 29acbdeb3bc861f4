"""A worker serves its queues in the order that it was told."""

from tests.features.conftest import Face
from tests.waiting import until


def test_a_worker_serves_its_queues_in_their_order(face: Face) -> None:
    for queue in ("first", "second"):
        face.http.post(f"/queues/{queue}/pause")
    try:
        second, first = (face.submit("echo", queue=queue) for queue in ("second", "first"))
        assert [queue["depth"] for queue in face.client.queues() if queue["name"] in ("first", "second")] == [1, 1]
    finally:
        for queue in ("first", "second"):
            face.http.post(f"/queues/{queue}/resume")
    assert face.wait(first)["queue"] == "first"
    assert face.wait(second)["queue"] == "second"
    with face.service.worker(worker_queues="second,parked", worker_children=1, worker_name="ordered") as worker:
        path, open_gate = face.gate()
        busy = face.submit("gate", params={"path": path}, queue="parked")
        face.wait(busy, "in-progress")
        face.http.post("/queues/second/pause")
        later, sooner = face.submit("echo", queue="parked"), face.submit("echo", queue="second")
        face.http.post("/queues/second/resume")
        open_gate()
        assert face.wait(sooner)["started"] < face.wait(later)["started"]
        until(lambda: face.get(busy)["status"] == "complete", 10, "the end of the first")
        worker.stop()
