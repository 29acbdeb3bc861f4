"""A paused queue takes jobs and starts none until it is resumed."""

from tests.features.conftest import Face


def test_a_paused_queue_keeps_its_jobs_until_it_is_resumed(face: Face) -> None:
    assert face.http.post("/queues/second/pause").json()["paused"]
    waiting = [face.submit("echo", params={"value": n}, queue="second") for n in range(3)]
    elsewhere = face.wait(face.submit("echo", queue="first"))
    assert elsewhere["status"] == "complete"
    assert [face.get(job)["status"] for job in waiting] == ["submitted"] * 3
    assert not face.http.post("/queues/second/resume").json()["paused"]
    ended = [face.wait(job) for job in waiting]
    assert [job["result"] for job in ended] == [0, 1, 2]
    assert [job["started"] for job in ended] == sorted(job["started"] for job in ended)
