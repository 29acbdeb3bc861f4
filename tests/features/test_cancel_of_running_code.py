"""A job is cancelled where it waits, and where it runs, also in C code that hears no signal handler."""

import pytest

from tests.features.conftest import Face


@pytest.mark.parametrize("operation", ["in_c_code", "gate"])
def test_the_cancel_of_running_code_ends_it_at_once(face: Face, operation: str) -> None:
    params = {"seconds": 60} if operation == "in_c_code" else {"path": "/nowhere", "seconds": 60}
    job = face.wait(face.submit(operation, params=params), "in-progress")
    answer = face.http.post(f"/jobs/{job['id']}/cancel")
    assert (answer.status_code, answer.json()["cancel_requested"]) == (202, True)
    ended = face.wait(job, seconds=10)
    assert ended["status"] == "cancelled"
    assert face.http.get(f"/jobs/{job['id']}/results").status_code == 409
    assert face.wait(face.submit("echo", params={"value": 1}))["result"] == 1  # the worker goes on


def test_a_waiting_job_is_cancelled_and_never_runs(face: Face) -> None:
    job = face.submit("echo", queue="parked")
    assert face.http.post(f"/jobs/{job['id']}/cancel").json()["status"] == "cancelled"
    assert face.get(job)["attempt"] == 0
