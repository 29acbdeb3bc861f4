"""Races of the supervisor that random kills meet too seldom: each is set up by hand on a real `Supervisor`."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lib.parents import LINUX
from lib.settings import Settings
from services.worker.channel import Receiver, Sender
from services.worker.ending import ChildProcess
from services.worker.links import Links
from services.worker.marks import Mark, Marks
from services.worker.orders import Report, Verdict
from services.worker.processes import ProcessHandle
from services.worker.supervisor import Supervisor


@pytest.mark.skipif(not LINUX, reason="elsewhere every child is buried with its nursery")
def test_a_child_whose_exit_died_with_the_nursery_is_reported_all_the_same(settings: Settings, tmp_path: Path) -> None:
    # Given a child whose status the nursery took, and a nursery that was killed before it told
    marks = Marks(tmp_path / "w.marks", slots=4)
    supervisor = Supervisor(settings, "w", marks)
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    child = ChildProcess("w/0-x", 0, 0.0, ProcessHandle(process.pid))
    process.wait()
    marks.write(0, Mark(child.name, process.pid, "token", "job", "operation", 1.0, 1e12))
    supervisor.children[child.name] = child
    read_end, write_end = os.pipe()
    os.close(write_end)
    supervisor._messages, supervisor._commands = Receiver(read_end), Sender(os.dup(read_end))
    assert [mark.token for mark in supervisor.running()] == ["token"]
    # When the supervisor finds the nursery dead
    supervisor._nursery_died()
    # Then the lease of its job is renewed no more, and its death is reported
    assert supervisor.running() == []
    assert [(report.child, report.token, report.verdict.kind) for report in supervisor.reports] == [("w/0-x", "token", "crash")]
    marks.close()


def test_a_report_that_two_threads_tell_at_the_end_takes_no_other_with_it(settings: Settings, tmp_path: Path) -> None:
    # Given a dead child whose report hangs in Redis, and another dead child
    marks = Marks(tmp_path / "w.marks", slots=4)
    supervisor = Supervisor(settings, "w", marks)
    supervisor.reports.extend(Report(slot, f"w/{slot}-x", f"token-{slot}", Verdict("crash", "crash")) for slot in range(2))
    links = Links(supervisor)
    hangs, answers = threading.Event(), threading.Event()
    told: list[str] = []

    class Queue:
        def bury(self, child: str, *_: Any) -> None:
            told.append(child)
            if len(told) == 1:
                hangs.set()
                answers.wait(20)

    reporter = threading.Thread(target=links._tell_reports, args=(Queue(),))
    reporter.start()
    assert hangs.wait(20)
    # When the worker's end tells both, and only then Redis answers the first
    links._tell_reports(Queue())  # type: ignore[arg-type]
    answers.set()
    reporter.join(20)
    # Then both were told, and neither thread has failed or waits
    assert not reporter.is_alive()
    assert told == ["w/0-x", "w/0-x", "w/1-x"]
    assert not supervisor.reports
    marks.close()


def test_what_was_released_and_could_not_be_told_is_not_charged_by_the_next_worker(settings: Settings, tmp_path: Path) -> None:
    # Given a child that was killed at the end of the grace
    marks = Marks(tmp_path / "old.marks", slots=1)
    supervisor = Supervisor(settings, "old", marks)
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    marks.write(0, Mark("old/0-x", process.pid, "token", "job", "operation", 1.0, 1e12))
    released = Verdict("released", "worker stopped")
    supervisor.children["old/0-x"] = ChildProcess("old/0-x", 0, 0.0, ProcessHandle(process.pid), released)
    # When its end is seen, and the worker ends before Redis hears of it
    supervisor._exited(process.pid, 9, 0)
    assert [(report.token, report.verdict) for report in supervisor.reports] == [("token", released)]
    marks.close()
    # Then the next one tells of it as this one would have
    following = Marks(tmp_path / "new.marks", slots=1)
    assert following.lock()
    told: list[Any] = []

    class Queue:
        def bury(self, *args: Any) -> None:
            told.append(args[:4])

    Links(Supervisor(settings, "new", following))._tell_predecessors(Queue())  # type: ignore[arg-type]
    assert told == [("old/0-x", "token", "released", "worker stopped")]
    following.close()


def test_however_often_children_and_nurseries_die_at_once_the_next_ones_come(settings: Settings, tmp_path: Path) -> None:
    marks = Marks(tmp_path / "w.marks", slots=4)
    supervisor = Supervisor(settings, "w", marks)
    supervisor._quick_deaths = supervisor._nursery_failures = 2000
    supervisor.children["w/0-x"] = child = ChildProcess("w/0-x", 0, time.monotonic())
    supervisor._bury(child, 1 << 8, 0)
    read_end, write_end = os.pipe()
    supervisor._messages, supervisor._commands = Receiver(read_end), Sender(write_end)
    supervisor._nursery_died()
    assert 1 < supervisor._next_fork - time.monotonic() <= 5
    assert 1 < supervisor._next_nursery - time.monotonic() <= 5
    marks.close()


def test_a_nursery_for_which_there_is_no_room_is_tried_again(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = Marks(tmp_path / "w.marks", slots=4)
    supervisor = Supervisor(settings, "w", marks)

    def full(*_: Any) -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    descriptors = len(os.listdir("/dev/fd"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_spawn", full)
        supervisor._keep_nursery()
    assert (supervisor._nursery, supervisor._next_nursery > time.monotonic()) == (None, True)
    assert len(os.listdir("/dev/fd")) == descriptors
    marks.close()
