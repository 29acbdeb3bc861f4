"""How a process died, as the worker asks the kernel and tells it."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.worker import processes


@pytest.mark.parametrize(
    "text",
    ["low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\n", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"],
    ids=["version 2", "version 1"],
)
def test_kills_for_want_of_memory_are_read_under_either_version_of_control_groups(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = tmp_path / "counted"
    counted.write_text(text)
    monkeypatch.setattr(processes, "_OOM_EVENTS", (tmp_path / "absent", counted))
    assert processes.oom_kills() == 2


def test_where_nothing_is_told_no_kill_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_OOM_EVENTS", (tmp_path / "absent",))
    assert processes.oom_kills() == 0


def test_a_kill_for_want_of_memory_is_named_with_its_signal_and_peak() -> None:
    found = processes.evidence(signal.SIGKILL, 300 * 1024, True, "w-1")
    assert found["summary"].startswith("killed by SIGKILL, peak memory 300 MiB, out of memory at the container's memory limit; ")
    assert (found["signal"], found["oom_killed"], found["worker"]) == ("SIGKILL", True, "w-1")


def test_what_nobody_saw_is_not_told_as_known() -> None:
    found = processes.evidence(None, 0, False, "w-1")
    assert "killed at once" in found["summary"]
    assert found["oom_killed"] is None
    assert found["peak_memory_bytes"] is None


@pytest.mark.parametrize(("number", "limit", "named"), [(signal.SIGABRT, 2**26, True), (signal.SIGABRT, 0, False)])
def test_an_abort_under_a_memory_limit_says_that_it_may_have_been_that(number: signal.Signals, limit: int, named: bool) -> None:
    found = processes.evidence(number, 300 * 1024, False, "w-1", limit)
    assert ("perhaps at the memory limit of 64 MiB" in found["summary"]) is named


def test_a_process_for_which_no_descriptor_is_left_is_signalled_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_pid: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("os.pidfd_open", none_left, raising=False)
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    handle = processes.ProcessHandle(process.pid)
    try:
        assert not handle.exited()
        assert handle.signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
        assert not handle.signal(signal.SIGKILL)
    finally:
        process.kill()
        handle.close()
