"""Secrets leave the environment: what a program runs and starts finds neither passwords nor tokens there.

API, upkeep and worker call `hide` once they have read their settings, before an operation's file is imported; `load_settings`
finds later what was hidden. What a job prints of `os.environ`, what its own child processes are given, and what the kernel shows
as `/proc/<pid>/environ` has none of it. It is no wall: code inside of our process could still look through its memory.
"""

import ctypes
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

# Of OpenTelemetry, which reads them itself: a collector's login.
OTEL = frozenset({"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"})
_hidden: dict[str, str] = {}


def hide(names: Collection[str]) -> None:
    """Take these variables, however they are written, and those of OTEL out of this process's environment. Before its threads."""
    for name in [each for each in os.environ if each.upper() in names or each.upper() in OTEL]:
        _hidden[name.upper()] = os.environ[name]
        _wipe(name)
        del os.environ[name]


def take(values: Mapping[str, str]) -> None:
    """Know what another process of ours has hidden."""
    _hidden.update(values)


def hidden() -> dict[str, str]:
    """What was hidden, by its name in capitals."""
    return dict(_hidden)


@contextmanager
def shown(names: Collection[str]) -> Iterator[None]:
    """Put some back for the time of a block. Where no other thread starts a process or runs an operation."""
    back = {name: value for name, value in _hidden.items() if name in names and name not in os.environ}
    os.environ.update(back)
    try:
        yield
    finally:
        for name in back:
            os.environ.pop(name, None)


def _wipe(name: str) -> None:
    """Write over the value where it lies: the kernel shows others the memory in which a process was given its environment."""
    library = ctypes.CDLL(None)
    library.getenv.restype = ctypes.c_void_p
    if place := library.getenv(os.fsencode(name)):
        ctypes.memset(place, ord("*"), len(os.fsencode(os.environ[name])))
