"""Runs every check and gathers what they find. A check that cannot look is unknown, and ends no other one."""

from collections.abc import Callable, Iterator

import redis

from lib.errors import StoreFull, StoreUnavailable
from lib.examination import answering, damage, data, orphans, rights, running, server
from lib.examination.finding import FAILED, UNKNOWN, Finding
from lib.examination.look import Look

CHECKS: dict[str, Callable[[Look], Iterator[Finding]]] = {
    "server": server.version,
    "persistence": server.persistence,
    "eviction": server.eviction,
    "memory": server.memory,
    "latency": answering.latency,
    "redis clock": answering.clock,
    "rights": rights.rights,
    "scripts": answering.scripts,
    "upkeep": running.upkeep,
    "workers": running.workers,
    "operations": running.operations,
    "data": data.data,
    "damage": damage.damage,
    "orphans": orphans.orphans,
}


def examine(look: Look) -> list[Finding]:
    """What all checks find, in their order. Where Redis is away, that is the last finding, and nothing is raised."""
    found: list[Finding] = []
    for name, check in CHECKS.items():
        try:
            found += check(look)
        except StoreUnavailable as error:
            remedy = "see that Redis runs, takes writes and knows our password; the API's log says more"
            return [*found, Finding("redis", FAILED, str(error), remedy)]
        except StoreFull as error:
            found.append(Finding(name, UNKNOWN, str(error), "raise maxmemory, and look again"))
        except redis.ResponseError as error:
            if "WRONGTYPE" in str(error):
                remedy = "upkeep lays it aside within its interval; where it stays, look at the log of upkeep"
                found.append(Finding(name, UNKNOWN, "a key holds something of another program", remedy))
                continue
            remedy = "allow the user that command as well, and look again"
            found.append(Finding(name, UNKNOWN, f"Redis does not let us look: {error}", remedy))
    return found
