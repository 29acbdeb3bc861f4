"""Keeps the scripts that every job needs on the server as functions. Called by upkeep now and then; nothing depends on it.

Where a function is not there, or may not be called, `Store` sends the script itself, which does the same: right after a
start, after somebody's FUNCTION FLUSH, on a server that has no room for more, or where the user may not load them. Only
upkeep loads: whoever may load code under a name decides what others call by it, so a worker's user may not.
"""

import logging
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
    pattern = f"{functions_of(store.settings)}*"
    try:
        there = {_name_of(library) for library in store.look(lambda rd: rd.function_list(pattern))}
        for name in wanted.keys() - there:
            store.look(lambda rd, name=name: rd.function_load(wanted[name]))  # type: ignore[misc]
        for name in there - wanted.keys():
            store.look(lambda rd, name=name: rd.function_delete(name))  # type: ignore[misc]
    except (redis.ResponseError, StoreFull) as error:  # it may not, knows none, has no room, or another upkeep was faster
        logger.debug("Functions were not loaded: %s", error)


def _name_of(library: Any) -> str:
    about = library if isinstance(library, dict) else dict(zip(library[::2], library[1::2], strict=True))
    return str(text(about[b"library_name"]))
