"""Many jobs in one call: one id, one status, counts; cancelled and retried together."""

from tests.features.conftest import Face
from tests.receivers import receiver
from tests.waiting import until


def test_a_batch_is_one_call_and_ends_with_its_last_job(face: Face) -> None:
    jobs = [{"operation": "echo", "params": {"value": n}} for n in range(300)]
    answer = face.http.post("/batches", json={"id": "three-hundred", "jobs": jobs})
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == "/batches/three-hundred"
    assert (answer.json()["total"], answer.json()["status"]) == (300, "in-progress")
    face.http.post("/batches", json={"id": "later", "jobs": [{"operation": "echo", "run_in": 600}] * 10})
    ended = until(lambda: (one := face.http.get("/batches/three-hundred").json())["ended"] and one, 60, "the end of the batch")
    assert (ended["status"], ended["complete"], ended["pending"]) == ("complete", 300, 0)
    assert ended["eta"] is None
    assert 540 < until(lambda: face.http.get("/batches/later").json()["eta"], 10, "an estimate") < 660  # none runs before
    face.http.post("/batches/later/cancel")
    page = face.http.get("/jobs", params={"batch": "three-hundred", "limit": 1000}).json()["jobs"]
    assert sorted(job["result"] for job in page) == list(range(300))


def test_one_bad_job_refuses_all_and_names_the_field(face: Face) -> None:
    jobs = [{"operation": "echo"}, {"operation": "echo", "priority": "urgent"}, {"operation": "flaky", "params": {"times": "x"}}]
    answer = face.http.post("/batches", json={"id": "bad", "jobs": jobs})
    assert (answer.status_code, answer.json()["field"]) == (400, "jobs.1.priority")
    answer = face.http.post("/batches", json={"id": "bad", "jobs": [jobs[0], jobs[2]]})
    assert (answer.status_code, answer.json()["field"]) == (422, "jobs.1.params.times")
    assert face.http.get("/batches/bad").status_code == 404


def test_a_batch_is_cancelled_and_run_again_as_a_whole(face: Face) -> None:
    jobs = [{"operation": "echo", "params": {"value": n}} for n in range(5)]
    face.http.post("/batches", json={"id": "parked", "queue": "parked", "jobs": jobs})
    assert face.http.post("/batches/parked/cancel").json() == {"cancelled": 5, "told": 0}
    assert face.http.get("/batches/parked").json()["status"] == "cancelled"
    assert face.http.post("/batches/parked/retry").json() == {"retried": 5}
    again = face.http.get("/batches/parked").json()
    assert (again["status"], again["pending"], again["ended"]) == ("in-progress", 5, None)


def test_a_batch_tells_of_its_end_once(face: Face) -> None:
    with receiver() as there:
        jobs = [{"operation": "echo", "params": {"value": n}} for n in range(3)]
        body = {"id": "tells", "jobs": jobs, "notify": [{"webhook": f"{there.url}/batch?key=secret"}]}
        assert face.http.post("/batches", json=body).json()["notify"][0]["webhook"] == f"{there.url}/batch?***"
        (told,) = until(lambda: there.of("tells"), 20, "the webhook")
        assert told.is_signed()
        assert (told.json["type"], told.json["data"]["complete"]) == ("batch.complete", 3)
        url = "/batches/tells/deliveries"
        until(lambda: face.http.get(url).json()["deliveries"][0]["state"] == "delivered", 10, "the log")
        assert face.http.post(f"{url}/batch_tells_1_1/resend").status_code == 202
        until(lambda: len(there.of("tells")) == 2, 20, "the webhook again")
        assert {each.id for each in there.of("tells")} == {"batch_tells_1_1"}
