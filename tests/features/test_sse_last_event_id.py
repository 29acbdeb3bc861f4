"""Events of a job as a stream that goes on where it broke off."""

import orjson

from tests.features.conftest import Face


def test_a_stream_that_broke_off_goes_on_with_the_event_after_the_last_one(face: Face) -> None:
    path, open_gate = face.gate()
    job = face.wait(face.submit("gate", params={"path": path}), "in-progress")
    with face.http.stream("GET", f"/jobs/{job['id']}/events") as stream:
        seen = stream.iter_lines()
        last = next(line.removeprefix("id: ") for line in seen if line.startswith("id: "))
    open_gate()
    face.wait(job)
    with face.http.stream("GET", f"/jobs/{job['id']}/events", headers={"Last-Event-ID": last}) as stream:
        text = "\n".join(stream.iter_lines())
    data = [orjson.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    assert [each["status"] for each in data] == ["complete"]
    assert "event: reset" not in text
    with face.http.stream("GET", f"/jobs/{job['id']}/events", headers={"Last-Event-ID": "1-1/0-0"}) as stream:
        assert next(line for line in stream.iter_lines() if line == "event: reset")
