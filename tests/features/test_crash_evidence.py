"""A job whose process dies is run again, with the evidence kept, and not for ever."""

from tests.features.conftest import Face


def test_a_crash_leaves_its_evidence_and_the_job_is_run_again(face: Face) -> None:
    ended = face.wait(face.submit("crash", params={"times": 1}))
    assert (ended["status"], ended["result"], ended["crashes"]) == ("complete", {"attempt": 2}, 1)
    (attempt,) = ended["attempts"]
    evidence = attempt["error"]["evidence"]
    assert (attempt["error"]["type"], evidence["signal"], evidence["oom_killed"]) == ("WorkerCrash", "SIGKILL", False)
    assert evidence["peak_memory_bytes"] > 2**20
    assert "attempt 1" in evidence["log"]


def test_a_job_that_always_crashes_ends_failed(face: Face) -> None:
    ended = face.wait(face.submit("crash"))
    assert (ended["status"], ended["crashes"], ended["error"]["reason"]) == ("failed", 3, "crash")
