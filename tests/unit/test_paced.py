"""What a running job says is written at most once in a while, in order, and no later than that."""

import os
import threading
import time

import pytest

from services.worker.paced import Paced, rested
from tests.waiting import until

LONG = 3600.0  # seconds that no test lives to see


class Writer:
    """Takes down what was written, and in which thread."""

    def __init__(self) -> None:
        self.gathered: list[int] = []
        self.written: list[list[int]] = []
        self.threads: list[threading.Thread] = []

    def __call__(self) -> None:
        self.threads.append(threading.current_thread())
        self.written.append(self.gathered[:])
        self.gathered.clear()


def test_the_first_is_written_at_once_by_the_operations_own_thread() -> None:
    writer = Writer()
    paced = Paced(writer, LONG)
    writer.gathered.append(1)
    paced.soon()
    assert writer.written == [[1]]
    assert writer.threads == [threading.current_thread()]
    paced.end()


def test_what_comes_in_quick_succession_waits_for_the_end() -> None:
    writer = Writer()
    paced = Paced(writer, LONG)
    for number in range(100):
        writer.gathered.append(number)
        paced.soon()
    assert writer.written == [[0]]
    assert sum(isinstance(thread, threading.Timer) for thread in threading.enumerate()) == 1, "one timer, whatever is said"
    paced.end()
    assert writer.written == [[0], list(range(1, 100))]


def test_the_last_word_is_written_although_nothing_follows() -> None:
    writer = Writer()
    paced = Paced(writer, 0.05)
    for number in range(3):
        writer.gathered.append(number)
        paced.soon()
    until(lambda: [number for part in writer.written for number in part] == [0, 1, 2], 5, "the last word")
    assert writer.threads[-1] is not threading.current_thread()
    paced.end()


def test_an_error_in_the_timer_leaves_later_words_to_the_operation() -> None:
    refusals = []

    def write() -> None:
        if threading.current_thread() is not threading.main_thread():
            refusals.append(1)
            raise ValueError("lost")

    paced = Paced(write, 0.05)
    paced.soon()
    paced.soon()
    until(lambda: refusals, 5, "the timer's turn")
    paced.end()


def test_without_memory_for_a_thread_the_word_waits_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    writer = Writer()
    paced = Paced(writer, LONG)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    for number in range(3):
        writer.gathered.append(number)
        paced.soon()
    paced.end()
    assert writer.written == [[0], [1, 2]]


def test_a_fork_of_the_operation_while_the_timer_writes_can_still_speak() -> None:
    inside, leave = threading.Event(), threading.Event()

    def write() -> None:
        if threading.current_thread() is not threading.main_thread():
            inside.set()
            leave.wait(20)

    paced = Paced(write, 0.01)
    paced.soon()
    paced.soon()
    assert inside.wait(5)
    pid = os.fork()
    if pid == 0:
        paced.now()  # with the parent's lock it would wait for a thread that it does not have
        os._exit(0)
    leave.set()
    until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, 10, "the fork's word")
    paced.end()


def test_while_the_timer_writes_the_operation_does_not_wait_for_it_and_what_is_left_is_tried_again() -> None:
    inside, leave, tries = threading.Event(), threading.Event(), []

    def write() -> bool:
        tries.append(threading.current_thread())
        if len(tries) == 2:
            inside.set()
            leave.wait(20)
        return len(tries) > 2

    paced = Paced(write, 0.01)
    paced.soon()  # not taken: the timer tries again by itself
    assert inside.wait(5)
    for _ in range(50):
        paced.soon()
        time.sleep(0.001)
    assert len(tries) == 2
    assert sum(isinstance(thread, threading.Timer) for thread in threading.enumerate()) <= 2
    leave.set()
    until(lambda: len(tries) > 2, 5, "another try")
    assert threading.main_thread() not in tries[1:3]
    paced.end()


def test_writing_that_takes_long_takes_a_fifth_of_the_time() -> None:
    now = time.monotonic()
    assert rested(now - 2, 0.1) - now == pytest.approx(8, abs=1)
    assert rested(now, 100) - now == pytest.approx(100, abs=1)
