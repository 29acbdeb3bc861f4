"""Writes what has gathered, at most once in a while and no later than that: a running job's log lines and progress.

The operation's own thread writes where the last time is long enough ago; else a timer does, so that a line is seen also when
the operation says nothing more. What has not been written when the process dies is gone.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("trafficjobs.worker")
_STACK = 256 * 1024  # bytes of the timer's thread, which count towards a memory limit


class Paced:
    """Calls `write` from one thread at a time.

    Args:
        write: writes whatever has gathered, which may be nothing.
        pause: seconds between two calls.
    """

    def __init__(self, write: Callable[[], None], pause: float) -> None:
        self._write, self._pause = write, pause
        self._last = float("-inf")
        self._timer: threading.Timer | None = None
        self._lock, self._pid = threading.Lock(), os.getpid()

    def soon(self) -> None:
        """Something has gathered: write now, or when the pause is over."""
        wait = self._last + self._pause - time.monotonic()
        if wait <= 0:
            self.now()
        elif self._timer is None:
            self._later(wait)

    def now(self) -> None:
        """Write at once. Raises what `write` raises."""
        if self._pid != os.getpid():  # an operation has forked, maybe while the timer wrote
            self._lock, self._pid = threading.Lock(), os.getpid()
        with self._lock:
            self._last = time.monotonic()
            self._write()

    def end(self) -> None:
        """Write what is left; nothing is written afterwards. Raises what `write` raises."""
        if self._timer is not None:
            self._timer.cancel()
        self.now()

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
        self._timer = None
        try:
            self.now()
        except Exception as error:  # a lost claim or Redis at its limit: the operation's own next word meets it as well
            logger.debug("what a job said was not written: %s", error)
