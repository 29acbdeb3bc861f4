"""A job that waits knows how many run before it, whatever its priority."""

from tests.features.conftest import Face


def test_a_waiting_job_says_how_many_run_before_it(face: Face) -> None:
    ids = {name: face.submit("echo", queue="parked", priority=name)["id"] for name in ("low", "normal", "high")}
    assert [face.get(ids[name])["position"] for name in ("high", "normal", "low")] == [0, 1, 2]
    face.http.post(f"/jobs/{ids['high']}/cancel")
    assert [face.get(ids[name])["position"] for name in ("normal", "low")] == [0, 1]
    face.http.post("/queues/parked/purge")
    assert "position" not in face.get(ids["low"])
