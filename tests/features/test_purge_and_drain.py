"""Whole queues: purge throws away what waits, drain lets nothing more in."""

from tests.features.conftest import Face


def test_a_purge_cancels_what_waits_in_a_queue(face: Face) -> None:
    waiting = [face.submit("echo", queue="parked") for _ in range(3)]
    later = face.submit("echo", queue="parked", run_in=600)
    done = face.http.post("/queues/parked/purge").json()
    assert (done["cancelled"], done["left"], done["queue"]["depth"]) == (3, 0, 0)
    assert {face.get(job)["status"] for job in waiting} == {"cancelled"}
    assert face.get(later)["status"] == "scheduled"
    code, told = face.shell("purge", "parked", "--scheduled", "--yes")
    assert (code, told) == (0, "1 jobs cancelled\n")
    assert face.client.purge("parked") == 0


def test_a_drained_queue_runs_what_it_has_and_accepts_nothing(face: Face) -> None:
    path, open_gate = face.gate()
    running = face.wait(face.submit("gate", params={"path": path}, queue="second"), "in-progress")
    assert face.http.post("/queues/second/drain").json()["draining"]
    try:
        refused = face.http.post("/jobs", json={"operation": "echo", "queue": "second"})
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/queue-draining")
        assert face.shell("submit", "echo", "--queue", "second")[0] == 4
        assert "draining" in face.shell("queues")[1]
        assert 'trafficjobs_queue_draining{queue="second"} 1.0' in face.http.get("/metrics").text
        open_gate()
        assert face.wait(running)["status"] == "complete"
    finally:
        assert not face.client.open("second")["draining"]
    assert face.wait(face.submit("echo", queue="second"))["status"] == "complete"
