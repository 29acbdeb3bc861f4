"""A batch through the Python client and the command line."""

import json
from pathlib import Path

import pytest

from tests.features.conftest import Face
from trafficjobs.errors import Invalid, ResultTimeout


def test_a_batch_is_submitted_and_waited_for_from_python(face: Face) -> None:
    names = [f"py-{n}" for n in range(20)]
    bodies: list[dict[str, object]] = [{"operation": "echo", "id": id, "params": {"value": n}} for n, id in enumerate(names)]
    bodies.append({"operation": "sum_of_parents", "id": "py-sum", "depends_on": names})
    assert [face.client.submit_batch(bodies, id="from-python")["total"] for _ in range(2)] == [21, 21]
    ended = face.client.wait_for_batch("from-python", timeout=60)
    assert (ended["status"], ended["complete"]) == ("complete", 21)
    last = next(iter(face.client.jobs(batch="from-python", limit=1)))
    assert last.value() == {f"py-{n}": n for n in range(20)}
    assert next(iter(face.client.batches(limit=1)))["id"]


def test_a_batch_that_is_not_over_is_a_timeout_and_a_bad_one_is_refused(face: Face) -> None:
    face.client.submit_batch([{"operation": "echo"}], id="waits", queue="parked")
    with pytest.raises(ResultTimeout, match="Batch waits was still in-progress"):
        face.client.wait_for_batch("waits", timeout=0.1)
    with pytest.raises(Invalid, match=r"jobs\.0\.queue"):
        face.client.submit_batch([{"operation": "echo", "queue": "parked"}])


def test_a_batch_on_the_command_line(face: Face, tmp_path: Path) -> None:
    file = tmp_path / "jobs.jsonl"
    file.write_text("\n".join(json.dumps({"operation": "echo", "params": {"value": n}}) for n in range(3)))
    assert face.shell("batch", "submit", file, "--id", "typed") == (0, "typed\n")
    code, told = face.shell("batch", "wait", "typed", "--timeout", 60)
    assert (code, "complete" in told) == (0, True)
    assert face.shell("batch", "list")[1].count("typed") == 1
    assert len(json.loads(face.shell("list", "--batch", "typed", "--json")[1])["jobs"]) == 3
    face.shell("batch", "submit", file, "--id", "stopped", "--queue", "parked")
    assert face.shell("batch", "cancel", "stopped") == (0, "3 jobs are cancelled, 0 that run are told to stop\n")
    code, told = face.shell("batch", "wait", "stopped")
    assert (code, "Batch stopped is cancelled: 0 jobs failed, 3 were cancelled." in told) == (1, True)
    assert face.shell("batch", "retry", "stopped") == (0, "3 jobs run again\n")
    assert face.shell("batch", "show", "ghost")[0] == 3
