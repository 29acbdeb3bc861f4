"""Progress and log lines while a job runs, and waiting for its end: by long poll, and by events that nobody misses."""

import orjson

from tests.features.conftest import Face
from tests.waiting import until


def test_progress_and_log_lines_are_seen_while_the_job_runs(face: Face) -> None:
    path, open_gate = face.gate()
    job = face.submit("talk", params={"lines": 3, "path": path})
    until(lambda: (face.get(job)["progress"] or {}).get("done") == 3, 20, "its progress")
    assert face.get(job)["progress"] == {"done": 3, "total": 3, "note": "step 2"}

    def lines() -> list[str]:
        return [line["line"] for line in face.http.get(f"/jobs/{job['id']}/log").json()["lines"]]

    assert lines()[:1] == ["line 0"]
    open_gate()
    face.wait(job)
    assert lines() == ["line 0", "line 1", "line 2"]
    assert face.shell("log", job["id"]) == (0, "line 0\nline 1\nline 2\n")


def test_a_request_that_prefers_to_wait_is_answered_at_the_end_of_the_job(face: Face) -> None:
    answer = face.http.post("/jobs", json={"operation": "echo", "params": {"value": 5}}, headers={"Prefer": "wait=20"})
    assert (answer.json()["status"], answer.json()["result"]) == ("complete", 5)
    assert answer.headers["Preference-Applied"] == "wait=20"
    parked = face.http.post("/jobs", json={"operation": "echo", "queue": "parked"}, headers={"Prefer": "wait=0.2"})
    assert parked.json()["status"] == "submitted"
    face.http.post(f"/jobs/{parked.json()['id']}/cancel")


def test_a_stream_that_broke_off_goes_on_with_the_event_after_the_last_one(face: Face) -> None:
    path, open_gate = face.gate()
    job = face.wait(face.submit("gate", params={"path": path}), "in-progress")
    with face.http.stream("GET", f"/jobs/{job['id']}/events") as stream:
        seen = stream.iter_lines()
        last = next(line.removeprefix("id: ") for line in seen if line.startswith("id: "))
    open_gate()
    face.wait(job)
    with face.http.stream("GET", f"/jobs/{job['id']}/events", headers={"Last-Event-ID": last}) as stream:
        text = "\n".join(stream.iter_lines())
    data = [orjson.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    assert [each["status"] for each in data] == ["complete"]
    assert "event: reset" not in text
    with face.http.stream("GET", f"/jobs/{job['id']}/events", headers={"Last-Event-ID": "1-1/0-0"}) as stream:
        assert next(line for line in stream.iter_lines() if line == "event: reset")
