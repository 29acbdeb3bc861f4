"""Writes what has gathered, at most once in a while and no later than that: a running job's log lines and progress.

The operation's own thread writes where the last time is long enough ago; else a timer does, so that a line is seen also when
the operation says nothing more. A Redis that does not answer costs the operation a part of its time and does not stop it. What
has not been written when the process dies is gone.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("trafficjobs.worker")
_STACK = 256 * 1024  # bytes of the timer's thread, which count towards a memory limit
_REST = 4  # times as long as a write took nothing is written after it


def rested(began: float, pause: float) -> float:
    """When the next write may begin after one that ends now: after the pause, and once writing takes a fifth of the time."""
    now = time.monotonic()
    return max(began + pause, now + _REST * (now - began))


class Paced:
    """Calls `write` from one thread at a time.

    Args:
        write: writes whatever has gathered, which may be nothing; False where some of it is left for the next time.
        pause: seconds between two calls.
    """

    def __init__(self, write: Callable[[], bool | None], pause: float) -> None:
        self._write, self._pause = write, pause
        self._next = float("-inf")
        self._timer: threading.Timer | None = None
        self._lock, self._pid = threading.Lock(), os.getpid()

    def soon(self) -> None:
        """Something has gathered: write now, or when the pause is over or the timer has written."""
        self._look_for_a_fork()
        wait = self._next - time.monotonic()
        if wait <= 0 and not self._lock.locked():
            self.now()
        elif self._timer is None:
            self._later(wait if wait > 0 else self._pause)

    def now(self) -> None:
        """Write at once. Raises what `write` raises."""
        self._look_for_a_fork()
        with self._lock:
            self._call()

    def end(self) -> None:
        """Write what is left; nothing is written afterwards. Raises what `write` raises."""
        if self._timer is not None:
            self._timer.cancel()
        self.now()

    def _look_for_a_fork(self) -> None:
        if self._pid != os.getpid():  # an operation has forked, maybe while the timer wrote, which went on in the parent alone
            self._lock, self._pid, self._timer = threading.Lock(), os.getpid(), None

    def _call(self) -> None:
        began = time.monotonic()
        self._next = began + self._pause
        try:
            whole = self._write()
        finally:
            self._next = rested(began, self._pause)
        if whole is False and self._timer is None:
            self._later(self._next - time.monotonic())

    def _later(self, seconds: float) -> None:
        before = threading.stack_size(_STACK)
        try:
            self._timer = threading.Timer(seconds, self._in_time)
            self._timer.daemon = True
            self._timer.start()
        except RuntimeError:  # no memory for a thread: the next line takes this one with it
            self._timer = None
        finally:
            threading.stack_size(before)

    def _in_time(self) -> None:
        try:
            with self._lock:
                self._timer = None  # and not before, so that no more than one waits
                self._call()
        except Exception as error:  # a lost claim or Redis at its limit: the operation's own next word meets it as well
            logger.debug("what a job said was not written: %s", error)
