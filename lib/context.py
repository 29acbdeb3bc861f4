"""What an operation may say while it runs: progress, partial results, log lines, files, and where it runs.

Operations call the functions; the worker implements `Context` and activates it around a run. Outside a job the
functions do nothing, so that an operation is also a plain function in a test or a notebook. Nothing here outlives a crash:
what must last, the worker's context writes to Redis.
"""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lib.errors import InvalidInput, JobsError

if TYPE_CHECKING:
    from lib.versions import DatasetStore

Content = bytes | Callable[[], bytes]
_LARGEST_INTEGER = 2**53  # up to it a float has every integer, and JSON takes them
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class JobInfo:
    """The run an operation belongs to; `token` is the fencing token of its claim."""

    id: str
    attempt: int
    token: str


class Context(Protocol):
    """What the worker gives to a running operation."""

    def progress(self, done: float, total: float | None, note: str) -> None:
        """Take note that `done` of `total` is done."""

    def partial(self, value: Any) -> None:
        """Show what there is of the result so far; `value` is what an operation may return."""

    def log(self, message: str) -> None:
        """Append a line to the job's log."""

    def save_file(self, name: str, data: Content, content_type: str) -> None:
        """Stage a file that appears with the job's result. The name is already checked."""

    def job(self) -> JobInfo | None:
        """The run, or None outside a job."""

    def store(self) -> "DatasetStore":
        """The versions of the data in Redis."""

    def parents(self) -> dict[str, dict[str, Any]]:
        """`status` and `result` of each job that this one depends on, by id, in the order in which they were named."""


@dataclass
class Recorder:
    """A context that keeps everything in memory: for direct routes, which answer with the file, and for tests."""

    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    steps: list[tuple[float, float | None, str]] = field(default_factory=list)
    parts: list[Any] = field(default_factory=list)
    run: JobInfo | None = None
    versions: "DatasetStore | None" = None
    ancestors: dict[str, dict[str, Any]] = field(default_factory=dict)

    def progress(self, done: float, total: float | None, note: str) -> None:
        self.steps.append((done, total, note))

    def partial(self, value: Any) -> None:
        self.parts.append(value)

    def log(self, message: str) -> None:
        self.lines.append(message)

    def save_file(self, name: str, data: Content, content_type: str) -> None:
        self.files[name] = (made(data), content_type)

    def job(self) -> JobInfo | None:
        return self.run

    def store(self) -> "DatasetStore":
        if self.versions is None:
            raise JobsError("this operation needs the store of the data and runs as a job only")
        return self.versions

    def parents(self) -> dict[str, dict[str, Any]]:
        return self.ancestors


Running = TypeVar("Running", bound=Context)
_current: ContextVar[Context | None] = ContextVar("trafficjobs_context", default=None)


@contextmanager
def running(context: Running) -> Iterator[Running]:
    """Operations called inside the block speak to `context`."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def progress(done: float, total: float | None = None, note: str = "") -> None:
    """Report how far the operation is; shown live in the job's record.

    Raises ValueError or TypeError where `done` or `total` is no finite number.
    """
    done, total = _number("done", done), None if total is None else _number("total", total)
    if (context := _current.get()) is not None:
        context.progress(done, total, str(note))


def _number(name: str, value: float) -> float:
    """As JSON has it, also where it is one of numpy's."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} of progress must be a finite number, not {number}")
    return int(number) if number.is_integer() and abs(number) <= _LARGEST_INTEGER else number


def partial(value: Any) -> None:
    """Show what there is of the result so far, in the job's record and among its results, until the run ends.

    The last value counts; in quick succession some are passed over. What is too large or has no form in JSON is not shown, which
    the job's log says, and the job goes on.
    """
    if (context := _current.get()) is not None:
        context.partial(value)


def log(message: str) -> None:
    """Append a line to the job's log."""
    if (context := _current.get()) is not None:
        context.log(str(message))


def save_file(name: str, data: Content, content_type: str = "application/octet-stream") -> None:
    """Keep a file with the job's result; the same name again replaces it.

    Args:
        data: the bytes, or a function without arguments that makes them: a direct route calls it only for the form it was asked.

    Raises:
        InvalidInput: the name is not 1 to 100 letters, digits, `_`, `-` or `.`, or starts with a dot.
    """
    if not _FILE_NAME.fullmatch(name):
        raise InvalidInput("name", f"{name!r} cannot name a file: use 1 to 100 letters, digits, _, - or ., and no dot in front")
    if (context := _current.get()) is not None:
        context.save_file(name, data, content_type)


def made(data: Content) -> bytes:
    """The bytes of a file."""
    return bytes(data() if callable(data) else data)


def job() -> JobInfo | None:
    """The job this operation runs for, None when it was called directly."""
    context = _current.get()
    return None if context is None else context.job()


def store() -> "DatasetStore":
    """The versions of the data in Redis.

    Raises:
        JobsError: outside a job.
    """
    return (_current.get() or Recorder()).store()


def parents() -> dict[str, dict[str, Any]]:
    """The jobs that this one depends on: `{"status", "result"}` of each, by id. Empty outside a job."""
    context = _current.get()
    return {} if context is None else context.parents()
