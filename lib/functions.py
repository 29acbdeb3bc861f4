"""Keeps the scripts that every job needs on the server as functions. Called by upkeep now and then; nothing depends on it.

Where a function is not there, or may not be called, `Store` sends the script itself, which does the same: right after a
start, after somebody's FUNCTION FLUSH, on a server that has no room for more, or where the user may not load them. Only
upkeep loads: whoever may load code under a name decides what others call by it, so a worker's user may not.
"""

import logging
from collections.abc import Callable
from typing import Any

import redis

from lib.errors import StoreFull
from lib.scripts import HOT, functions_of
from lib.store import Store, text

logger = logging.getLogger("trafficjobs.upkeep")


def keep_functions(store: Store) -> None:
    """Load what is missing, and delete what other versions of this release have left. Raises StoreUnavailable.

    Those that still run go on with scripts.
    """
    wanted = {script.function: script.library for script in map(store.script, sorted(HOT))}
    there = loaded(store)
    if there is None:
        return
    for name in wanted.keys() - there:
        _try(store, lambda rd, name=name: rd.function_load(wanted[name]))  # type: ignore[misc]
    for name in there - wanted.keys():
        _try(store, lambda rd, name=name: rd.function_delete(name))  # type: ignore[misc]


def loaded(store: Store) -> set[str] | None:
    """Names of the release's functions that the server has, of any version; None where we may not ask or it knows none."""
    pattern = f"{functions_of(store.settings)}*"
    found = _try(store, lambda rd: rd.function_list(pattern))
    return None if found is None else {_name_of(library) for library in found}


def _try(store: Store, action: Callable[[redis.Redis], Any]) -> Any:
    try:
        return store.look(action)
    except (redis.ResponseError, StoreFull) as error:  # it may not, knows none, has no room, or another upkeep was faster
        logger.debug("Functions are not as they should be: %s", error)
        return None


def _name_of(library: Any) -> str:
    about = library if isinstance(library, dict) else dict(zip(library[::2], library[1::2], strict=True))
    return str(text(about[b"library_name"]))
