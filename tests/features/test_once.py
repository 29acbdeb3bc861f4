"""One job for many equal submits: unique, throttled, debounced; and results of equal jobs taken from the cache."""

from tests.features.conftest import Face


def test_a_unique_job_stands_for_equal_ones_while_it_is_pending(face: Face) -> None:
    path, open_gate = face.gate()
    body = {"operation": "gate", "params": {"path": path}, "unique": True}
    first, second = (face.http.post("/jobs", json=body) for _ in range(2))
    assert ("Deduplicated" in first.headers, second.headers["Deduplicated"]) == (False, "true")
    assert first.json()["id"] == second.json()["id"]
    open_gate()
    face.wait(first.json())
    assert face.http.post("/jobs", json=body).json()["id"] != first.json()["id"]


def test_a_throttled_job_is_accepted_once_in_its_time(face: Face) -> None:
    first = face.submit("echo", throttle=60, unique_key="throttled")
    face.wait(first)
    assert face.submit("echo", params={"value": 2}, throttle=60, unique_key="throttled")["id"] == first["id"]


def test_of_debounced_jobs_the_last_one_runs(face: Face) -> None:
    jobs = [face.submit("echo", params={"value": n}, debounce=1, unique_key="debounced") for n in range(3)]
    assert len({job["id"] for job in jobs}) == 1
    assert face.wait(jobs[0])["result"] == 2


def test_an_equal_job_is_answered_from_the_cache_until_it_is_refused(face: Face) -> None:
    first = face.submit("cached_once", params={"value": 1})
    token = face.wait(first)["result"]
    hit = face.http.post("/jobs", json={"operation": "cached_once", "params": {"value": 1}})
    assert hit.headers["Cache"] == "HIT"
    assert (hit.json()["status"], hit.json()["result"], hit.json()["cached"]) == ("complete", token, first["id"])
    again = face.submit("cached_once", params={"value": 1}, cache=False)
    assert face.wait(again)["result"] != token
