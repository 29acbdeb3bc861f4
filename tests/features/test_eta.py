"""A job that has not ended says when it will have, by how long others like it ran."""

from datetime import datetime

import pytest

from tests.features.conftest import Face
from tests.waiting import until


def test_a_job_has_an_eta_as_soon_as_others_of_its_operation_have_run(face: Face) -> None:
    for _ in range(2):
        face.wait(face.submit("gate", params={"path": "/nowhere", "seconds": 0.5}))
    path, open_gate = face.gate()
    running = face.submit("gate", params={"path": path}, queue="first")
    later = face.submit("gate", params={"path": path}, queue="first", run_in=600)

    def known() -> bool:
        record = face.wait(running, "in-progress")
        return record["eta"] is not None and face.get(later)["eta"] is not None

    until(known, 10, "an estimate")
    record = face.get(later)
    assert 500 < record["eta"] < 700
    assert (datetime.fromisoformat(record["eta_at"]) - datetime.fromisoformat(record["due"])).total_seconds() < 60
    assert face.client.job(later["id"]).record["eta"] == pytest.approx(record["eta"], abs=60)
    tag = face.http.get(f"/jobs/{later['id']}").headers["ETag"]
    assert face.http.get(f"/jobs/{later['id']}", headers={"If-None-Match": tag}).status_code == 304
    open_gate()
    ended = face.wait(running)
    assert "eta" not in ended
    face.http.post(f"/jobs/{later['id']}/cancel")


def test_a_job_that_nobody_serves_has_none(face: Face) -> None:
    job = face.submit("echo", queue="parked")
    # A worker of another test may have served that queue and been killed; it is forgotten after ten silent leases.
    until(lambda: (face.get(job)["eta"], face.get(job)["eta_at"]) == (None, None), 30, "the absence of an estimate")
    face.http.post(f"/jobs/{job['id']}/cancel")
