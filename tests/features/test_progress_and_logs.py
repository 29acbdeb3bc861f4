"""Progress and log lines are seen while a job runs."""

from tests.features.conftest import Face
from tests.waiting import until


def test_progress_and_log_lines_are_seen_while_the_job_runs(face: Face) -> None:
    path, open_gate = face.gate()
    job = face.submit("talk", params={"lines": 3, "path": path})
    until(lambda: (face.get(job)["progress"] or {}).get("done") == 3, 20, "its progress")
    assert face.get(job)["progress"] == {"done": 3, "total": 3, "note": "step 2"}

    def lines() -> list[str]:
        return [line["line"] for line in face.http.get(f"/jobs/{job['id']}/log").json()["lines"]]

    # Said at once, one after the other, and then there is silence: all of it is seen all the same.
    until(lambda: lines() == ["line 0", "line 1", "line 2"], 20, "its lines")
    open_gate()
    face.wait(job)
    assert lines() == ["line 0", "line 1", "line 2"]
    assert face.shell("log", job["id"]) == (0, "line 0\nline 1\nline 2\n")
