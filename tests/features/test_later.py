"""A job that runs in some seconds, or at a time."""

from datetime import UTC, datetime, timedelta

from tests.features.conftest import Face


def test_a_job_runs_in_so_many_seconds_or_at_a_time(face: Face) -> None:
    moment = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    soon, then, never = (
        face.submit("echo", run_in=0.5),
        face.submit("echo", run_at=moment),
        face.submit("echo", run_at="2999-01-01T00:00:00Z"),
    )
    assert [job["status"] for job in (soon, then, never)] == ["scheduled"] * 3
    assert never["due"] == "2999-01-01T00:00:00Z"
    assert face.wait(soon)["started"] >= face.get(soon)["submitted"]
    ended = face.wait(then)
    assert datetime.fromisoformat(ended["started"]) >= datetime.fromisoformat(moment)
    assert face.http.post(f"/jobs/{never['id']}/cancel").status_code == 200
