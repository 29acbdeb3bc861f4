"""How Redis keeps what it is given, for /readyz and /metrics: an accepted job is safe only where nothing is evicted and writes
reach the disk.

INFO is all that is asked, which every user of Redis may be allowed to send, and at most every few seconds in a process. What is
not as it should be takes no instance out of service: it is said in the answer, and once in the log.
"""

import logging
import threading
import time
from typing import Any

import redis

from lib.store import Store

INTERVAL = 5.0  # seconds for which what INFO said holds
_PATIENCE = 0.5  # seconds; probes ask again soon

logger = logging.getLogger("trafficjobs.api")


class RedisState:
    """What Redis says of itself, as one process has seen it last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._until = 0.0
        self._told: dict[str, Any] = {}
        self._seen: dict[str, Any] = {}

    def look(self) -> dict[str, Any]:
        """`maxmemory_policy`, `aof_enabled`, `aof_last_write_status` (each null where it is not told), and `warnings`.

        Raises: StoreUnavailable.
        """
        self._look()
        return self._seen

    def info(self) -> dict[str, Any]:
        """All that Redis said in INFO; nothing where it does not tell. Raises StoreUnavailable."""
        self._look()
        return self._told

    def _look(self) -> None:
        with self._lock:
            if time.monotonic() <= self._until:
                return
            self._told = self._ask()
            before, self._seen = self._seen, _judged(self._told)
            self._until = time.monotonic() + INTERVAL
        for warning in self._seen["warnings"]:
            if warning not in before.get("warnings", []):
                logger.warning("Redis: %s", warning)

    def _ask(self) -> dict[str, Any]:
        try:
            told: dict[str, Any] = self._store.persist(self._store.records.info, _PATIENCE)
        except redis.exceptions.NoPermissionError:
            return {}
        return told


def _judged(info: dict[str, Any]) -> dict[str, Any]:
    policy, enabled, written = (info.get(name) for name in ("maxmemory_policy", "aof_enabled", "aof_last_write_status"))
    warnings = []
    if policy not in (None, "noeviction"):
        warnings.append(f"maxmemory-policy is {policy}, which may throw jobs away; set it to noeviction")
    if enabled == 0:
        warnings.append(
            "the append-only file is off, and a restart loses what was accepted since the last snapshot; set appendonly yes"
        )
    elif written not in (None, "ok"):
        warnings.append("the last write of the append-only file failed; look at its disk and at the log of Redis")
    enabled = None if enabled is None else bool(enabled)
    return {"maxmemory_policy": policy, "aof_enabled": enabled, "aof_last_write_status": written, "warnings": warnings}
