"""Failed jobs are kept, grouped by what they failed of, and run again: one, all, or all that failed alike."""

import secrets
from typing import Any

from tests.features.conftest import Face


def failed(face: Face, message: str, times: int = 1) -> dict[str, Any]:
    return face.wait(face.submit("flaky", params={"times": times, "message": message}), "failed")


def test_jobs_that_failed_alike_are_found_and_run_again_together(face: Face) -> None:
    first, second = (failed(face, secrets.token_hex(4), times=0 + 1000) for _ in range(2))
    other = face.wait(face.submit("crash"), "failed")
    assert first["fingerprint"] == second["fingerprint"] != other["fingerprint"]
    groups = {group["fingerprint"]: group for group in face.http.get("/failures").json()["failures"]}
    group = groups[first["fingerprint"]]
    assert (group["count"], group["type"], group["job"]) == (2, "RuntimeError", second["id"])
    assert groups[other["fingerprint"]]["type"] == "WorkerCrash"
    listed = [job.id for job in face.client.jobs(fingerprint=first["fingerprint"])]
    assert listed == [second["id"], first["id"]]

    code, told = face.shell("retry", "--like", first["fingerprint"])
    assert (code, told) == (0, "2 jobs run again\n")
    again = face.wait(first, "failed")
    assert (again["run"], again["runs"][0]["error"]["message"]) == (1, first["error"]["message"])
    assert face.get(other)["run"] == 0
    assert face.client.retry_failed(operation="crash") >= 1  # other tests may have left some
    assert first["fingerprint"] in face.shell("failures")[1]
    assert face.wait(other, "failed")["run"] == 1
