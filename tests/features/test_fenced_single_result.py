"""One result counts, whoever comes late."""

import signal

import psutil

from tests.features.conftest import Face
from tests.waiting import until


def test_the_late_result_of_a_frozen_worker_is_dropped(face: Face) -> None:
    path, open_gate = face.gate()
    with face.service.worker(worker_queues="parked", worker_children=1, worker_name="frozen") as frozen:
        job = face.wait(face.submit("gate", params={"path": path, "seconds": 60}, queue="parked"), "in-progress", seconds=60)
        family = [psutil.Process(frozen.pid), *psutil.Process(frozen.pid).children(recursive=True)]
        for process in family:
            process.send_signal(signal.SIGSTOP)
        until(lambda: face.get(job)["lost"] == 1, 20, "the end of its lease")
        with face.service.worker(worker_queues="parked", worker_children=1, worker_name="thawed") as other:
            running = face.wait(job, "in-progress", seconds=60)
            assert running["attempt"] == 2
            open_gate()
            ended = face.wait(job)
            for process in family:
                process.send_signal(signal.SIGCONT)
            until(lambda: face.jobs.counters().get("stale|gate", 0) >= 1, 20, "the late result")
            other.stop()
        assert face.get(job) == ended
        assert (ended["status"], ended["worker"]) == ("complete", running["worker"])
