"""An ended job is kept for as long as it was told."""

from tests.features.conftest import Face
from tests.waiting import until


def test_a_job_is_gone_when_its_result_ttl_is_over(face: Face) -> None:
    brief = face.submit("echo", result_ttl=1)
    kept = face.wait(face.submit("echo", result_ttl=600))
    until(lambda: face.http.get(f"/jobs/{brief['id']}").status_code == 410, 20, "the expiry of the job")
    assert face.http.get(f"/jobs/{brief['id']}/results").json()["type"] == "/problems/job-expired"
    assert face.get(kept)["status"] == "complete"
