"""A running operation shows what it has of its result: in the record, among the results, and as an event."""

from tests.features.conftest import Face
from tests.waiting import until


def test_what_an_operation_has_so_far_is_seen_while_it_runs_and_gone_at_its_end(face: Face) -> None:
    path, open_gate = face.gate()
    job = face.submit("in_parts", params={"values": [1, 2, 3], "path": path})
    until(lambda: face.get(job)["partial"] == [1, 2, 3], 20, "the partial result")
    answer = face.http.get(f"/jobs/{job['id']}/results")
    assert (answer.status_code, answer.json()["partial"], answer.headers["Retry-After"]) == (202, [1, 2, 3], "1")
    with face.http.stream("GET", f"/jobs/{job['id']}/events") as stream:
        assert next(line for line in stream.iter_lines() if line == "event: partial")
    assert face.client.job(job["id"]).record["partial"] == [1, 2, 3]
    open_gate()
    ended = face.wait(job)
    assert (ended["result"], ended["partial"]) == ([1, 2, 3], None)
