"""How a log line of every program looks: one JSON object on standard error, whoever speaks.

`timestamp`, `level`, `logger`, `event` and `program` come first, then what the line is about. Our own loggers, those of
libraries and of users' operations, warnings, uncaught exceptions and what is simply written to stderr all end here.
"""

import atexit
import io
import json
import logging
import logging.config
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import orjson
import structlog

_FIRST = ("timestamp", "level", "logger", "event", "program")
_OF_RECORDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_stderr = logging.getLogger("stderr")
_python = logging.getLogger("python")
_END = re.compile(r"\r?\n|\r(?=[^\n])")  # of a line: also a bar of progress that is drawn anew
_LONGEST = 8_192  # characters of a line that has no end yet
_about: dict[str, Any] = {}


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """Put fields into every line of this process while the block runs, also into those of threads that are started in it.

    Not for processes that do several things at once. What is None or empty is left out.
    """
    global _about
    before, _about = _about, _about | {name: value for name, value in fields.items() if value not in (None, "")}
    try:
        yield
    finally:
        _about = before


def log_config(level: str, program: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`.

    Args:
        level: debug, info, warning or error.
        program: stands in every line.
    """
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [_extras, *_common()],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _in_order(program),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        # What `configure_logging` puts in the place of sys.stderr would come back to the logger.
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.__stderr__"}},
        "root": {"level": level.upper(), "handlers": ["console"]},
        "loggers": {
            "gunicorn.error": {"level": level.upper(), "handlers": [], "propagate": True},
            "trafficjobs.audit": {"level": "INFO"},  # whatever the level
        },
    }


def configure_logging(level: str, program: str) -> None:
    """From here on nothing but such lines comes from this process, nor from those it forks. Arguments as of `log_config`."""
    logging.config.dictConfig(log_config(level, program))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_common(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread
    sys.stderr = written = _Lines()
    atexit.register(written.end)


def _common() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _extras(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """What was given as `extra`."""
    given = {name: value for name, value in vars(event["_record"]).items() if name not in _OF_RECORDS}
    return {**given, **event}


def _in_order(program: str) -> Any:
    def processor(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        whole = _about | event | {"program": program}
        return {name: whole.pop(name) for name in _FIRST} | whole

    return processor


def _dumps(value: Any, **_: Any) -> str:
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a number or text that it does not take
        return json.dumps(value, default=str)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    level = logging.INFO if issubclass(kind, KeyboardInterrupt) else logging.CRITICAL
    _python.log(level, "uncaught exception", exc_info=(kind, error, trace))


def _uncaught_in_thread(given: threading.ExceptHookArgs) -> None:
    if given.exc_type is SystemExit:
        return
    name = given.thread.name if given.thread is not None else ""
    error = given.exc_value or given.exc_type()
    _python.error("uncaught exception in thread %s", name, exc_info=(given.exc_type, error, given.exc_traceback))


def _unraisable(given: "sys.UnraisableHookArgs") -> None:
    error = given.exc_value or given.exc_type()
    _python.error(
        "%s %r", given.err_msg or "exception ignored in", given.object, exc_info=(given.exc_type, error, given.exc_traceback)
    )


def lines_of(text: str, most: int) -> tuple[list[str], str]:
    """The whole lines of a text, and the rest that goes on; of this no more than so many characters."""
    *lines, rest = _END.split(text.lstrip("\r"))
    return lines, rest[:most]


class _Lines(io.TextIOBase):
    """Stands in the place of sys.stderr: each line that is written becomes one of the log."""

    def __init__(self) -> None:
        self._of = threading.local()  # a line that is not whole yet, and whether one is being logged

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        assert sys.__stderr__ is not None
        return sys.__stderr__.fileno()

    def write(self, text: str) -> int:
        if getattr(self._of, "busy", False):  # it is the log that fails
            return len(text)
        lines, self._of.rest = lines_of(getattr(self._of, "rest", "") + text, _LONGEST)
        self._of.busy = True
        try:
            for line in lines:
                if line.strip():
                    _stderr.warning("%s", line.rstrip())
        finally:
            self._of.busy = False
        return len(text)

    def end(self) -> None:
        """Log what this thread has written of a line without its end."""
        if getattr(self._of, "rest", ""):
            self.write("\n")
