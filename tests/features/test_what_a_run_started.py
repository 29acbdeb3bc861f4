"""Programs that an operation has started end with its process, so that the next attempt does not find them at work."""

import os
import signal
from pathlib import Path
from typing import Any

import psutil

from tests.features.conftest import Face
from tests.waiting import until


def _started(face: Face, timeout: float) -> tuple[dict[str, Any], psutil.Process]:
    """A job that waits for a program, and that program."""
    path = Path(face.gate()[0])
    job = face.submit("in_a_program", params={"path": str(path)}, timeout=timeout)
    number = until(lambda: path.read_text().strip() if path.exists() else "", 20, "the program")
    return job, psutil.Process(int(number))


def _is_gone(program: psutil.Process) -> None:
    until(lambda: not program.is_running(), 5, f"the end of {program}")


def test_a_program_ends_with_the_timeout_of_its_run(face: Face) -> None:
    job, program = _started(face, timeout=5)
    assert face.wait(job, seconds=20)["error"]["reason"] == "timeout"
    _is_gone(program)


def test_a_program_ends_when_its_job_is_cancelled(face: Face) -> None:
    job, program = _started(face, timeout=60)
    assert face.http.post(f"/jobs/{job['id']}/cancel").status_code == 202
    assert face.wait(job, seconds=20)["status"] == "cancelled"
    _is_gone(program)


def test_a_program_ends_when_the_process_of_its_run_dies(face: Face) -> None:
    job, program = _started(face, timeout=60)
    shell = program.parent()
    assert shell is not None
    os.kill(shell.ppid(), signal.SIGKILL)
    _is_gone(program)
    face.http.post(f"/jobs/{job['id']}/cancel")
    assert face.wait(job, seconds=20)["status"] == "cancelled"
