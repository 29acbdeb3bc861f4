"""A request waits for the end of a job: long poll by `Prefer: wait=N`."""

from tests.features.conftest import Face


def test_a_request_that_prefers_to_wait_is_answered_at_the_end_of_the_job(face: Face) -> None:
    answer = face.http.post("/jobs", json={"operation": "echo", "params": {"value": 5}}, headers={"Prefer": "wait=20"})
    assert (answer.json()["status"], answer.json()["result"]) == ("complete", 5)
    assert answer.headers["Preference-Applied"] == "wait=20"
    parked = face.http.post("/jobs", json={"operation": "echo", "queue": "parked"}, headers={"Prefer": "wait=0.2"})
    assert parked.json()["status"] == "submitted"
    face.http.post(f"/jobs/{parked.json()['id']}/cancel")
