"""Tries what a file of the operator's does when it is imported, in a process of its own each, before this one imports it.

An import that never ends, leaves by `os._exit`, crashes, or leaves a thread behind would take API or nursery with it. All
files are tried at once, in forks of this process: a few milliseconds, and nothing at all where there are no files. A
process that has threads does not fork, and imports what it is given untried; API and nursery have none when they ask.
"""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NoReturn

from lib.memory import at_most
from lib.parents import die_with_parent

SECONDS = 20.0  # for one try of all files together; a pod that starts is given more
_TRIES = 3  # of a file whose process was killed: that may have come from outside, as when the node is out of memory
MEMORY = 256 * 2**20  # bytes that the import of one file may allocate
_LONGEST = 500  # characters of a reason
_FINE = b"\0"
_CLOSED = "its import ended the process, or closes files that are not its own"
_KILLED = "its import ended the process by SIGKILL"
_UNENDED = "its import had not ended after {:g} s"
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGALRM)


class _TooLong(BaseException):
    """The time is over; nothing that a file may sensibly catch."""


def trouble(paths: Sequence[Path], use: Callable[[Path], object]) -> dict[Path, str]:
    """Why `use`, which imports a file, cannot be called here, by file; those that are fine are left out."""
    if not paths or _threads() > 1:
        return {}
    sys.stdout.flush()
    sys.stderr.flush()
    found: dict[Path, str] = {}
    left = list(paths)
    for _ in range(_TRIES):
        give_up = time.monotonic() + SECONDS + 1.0  # others may have used up the time of the first try
        started = [(path, *_start(path, use)) for path in left]
        found |= {path: _outcome(pid, pipe, give_up) for path, pid, pipe in started}
        left = [path for path in left if found[path] == _KILLED]
        if not left:
            break
    return {path: found[path] for path in paths if found[path]}


def explain(error: BaseException, path: Path) -> str:
    """One line on an error of this file: `line 3: ValueError: ...`, with the line in the file where there is one."""
    numbers = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == str(path)]
    message: object = error
    if isinstance(error, MemoryError):
        message = f"its import takes more than {MEMORY >> 20} MiB; load what is large in the operation"
    if isinstance(error, SyntaxError):
        message = error.msg
        numbers = [error.lineno] if error.lineno and error.filename == str(path) else numbers
    try:
        text = str(message)
    except Exception:
        text = "its message cannot be read"
    kind = "" if isinstance(error, _TooLong) else type(error).__name__
    named = ": ".join(part for part in (kind, " ".join(text.split())) if part)
    return (f"line {numbers[-1]}: {named}" if numbers else named)[:_LONGEST]


def _start(path: Path, use: Callable[[Path], object]) -> tuple[int, int]:
    """Fork a process that tries the file: its pid, and where it writes what it found."""
    reading, writing = os.pipe()
    own = os.getpid()
    pid = os.fork()
    if pid == 0:
        die_with_parent(own)
        os.close(reading)
        _try(path, use, writing)
    os.close(writing)
    return pid, reading


def _try(path: Path, use: Callable[[Path], object], pipe: int) -> NoReturn:
    own = os.getpid()
    try:
        os.setsid()  # so that what it starts can be ended with it
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)

        def over(_number: int, _frame: FrameType | None) -> None:
            raise _TooLong(_UNENDED.format(SECONDS))

        signal.signal(signal.SIGALRM, over)
        before = _surroundings()
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        with at_most(MEMORY):
            use(path)
        signal.setitimer(signal.ITIMER_REAL, 0)
        reason = _left_behind(before)
    except BaseException as error:
        reason = explain(error, path)
    try:
        if os.getpid() == own:  # and no copy that the file has forked
            os.write(pipe, reason.encode(errors="replace") or _FINE)
    finally:
        os._exit(0)


def _outcome(pid: int, pipe: int, give_up: float) -> str:
    """What one process has found, once it has ended or its time is over; it and all that it started are gone then."""
    ended = False
    while not ended and time.monotonic() < give_up:
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        if not ended:
            time.sleep(0.002)
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    os.set_blocking(pipe, False)
    try:
        told = os.read(pipe, 4 * _LONGEST)
    except BlockingIOError:  # something else still holds the other end
        told = b""
    os.close(pipe)
    if told:
        return "" if told == _FINE else told.decode(errors="replace")
    if not ended:
        return _UNENDED.format(SECONDS)
    if os.WIFSIGNALED(status):
        number = signal.Signals(os.WTERMSIG(status))
        return _KILLED if number == signal.SIGKILL else f"its import ended the process by {number.name}"
    code = os.waitstatus_to_exitcode(status)
    return f"its import left the process with exit code {code}" if code else _CLOSED


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()


def _surroundings() -> tuple[dict[str, Any], list[Any]]:
    return _functions(), [signal.getsignal(each) for each in _SIGNALS]


def _left_behind(before: tuple[dict[str, Any], list[Any]]) -> str:
    """What an import changed that would outlive it here: threads, processes, handlers of signals, and functions of ours."""
    if _threads() > 1:
        return "its import starts a thread, with which a process cannot be forked safely; start it in the operation"
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return "its import leaves a process behind; start it in the operation, and wait for its end there"
    except ChildProcessError:
        pass
    functions, handlers = before
    if [signal.getsignal(each) for each in _SIGNALS] != handlers:
        return "its import handles signals, which the service needs itself"
    now = _functions()
    changed = [name for name, value in functions.items() if now.get(name) is not value]
    return f"its import replaces {', '.join(changed[:3])}, which others use too" if changed else ""


def _functions() -> dict[str, Any]:
    """Functions and classes of Python and of ours, and the functions of our classes, by name."""
    found = {}
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and name.partition(".")[0] in ("builtins", "lib", "services"):
            for key, value in list(vars(module).items()):
                if callable(value):
                    found[f"{name}.{key}"] = value
                if isinstance(value, type) and value.__module__ == name != "builtins":
                    members = list(vars(value).items())
                    found |= {f"{name}.{key}.{each}": one for each, one in members if callable(one) and each[:2] != "__"}
    return found
