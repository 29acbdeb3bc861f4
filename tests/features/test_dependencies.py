"""A job waits for others, takes their results, and fails where one of them does."""

from tests.features.conftest import Face


def test_a_job_runs_once_those_it_depends_on_are_complete_and_reads_their_results(face: Face) -> None:
    path, open_gate = face.gate()
    first = face.submit("gate", params={"path": path})
    second = face.submit("echo", params={"value": 42})
    last = face.submit("sum_of_parents", depends_on=[first["id"], second["id"]])
    assert (last["status"], last["depends_on"]) == ("waiting", [first["id"], second["id"]])
    face.wait(second)
    assert face.get(last)["status"] == "waiting"
    open_gate()
    assert face.wait(last)["result"] == {first["id"]: {"opened": True}, second["id"]: 42}


def test_what_depends_on_a_failed_job_fails_with_its_name_unless_failure_is_allowed(face: Face) -> None:
    path, open_gate = face.gate()
    first = face.submit("gate", params={"path": path, "fail": True})
    strict = face.client.submit("echo", depends_on=[first["id"]])
    lenient = face.client.submit("sum_of_parents", depends_on=[first["id"]], allow_failure=True)
    open_gate()
    record = face.wait(strict.id)
    assert record["status"] == "failed"
    assert record["error"]["message"] == f"Job {first['id']}, on which it depends, is failed."
    assert face.wait(lenient.id)["result"] == {first["id"]: {"error": "told to"}}


def test_circles_and_ghosts_are_refused(face: Face) -> None:
    jobs = [{"operation": "echo", "id": f"ring-{n}", "depends_on": [f"ring-{(n + 1) % 3}"]} for n in range(3)]
    answer = face.http.post("/batches", json={"jobs": jobs})
    assert (answer.status_code, answer.json()["field"]) == (400, "depends_on")
    assert "goes in a circle: ring-" in answer.json()["detail"]
    answer = face.http.post("/jobs", json={"operation": "echo", "depends_on": ["ghost"]})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-parent")
