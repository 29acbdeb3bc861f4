"""What a running service holds: memory, threads and files of each of its processes, and what its Redis says of itself.

Memory is PSS, in which what several processes share counts once. Processes of one role are added up, since a child that is
replaced or a process of gunicorn has no name of its own.
"""

from dataclasses import dataclass, field

import psutil
import redis

MIB = 2**20
Series = tuple[str, str]  # name and unit
_PROGRAMS = {"gunicorn": "gunicorn", "services.api.upkeep": "upkeep", "services.worker": "supervisor"}
_BELOW = {"gunicorn": "api", "supervisor": "nursery", "nursery": "child", "redis": "redis, writing its AOF"}


@dataclass
class Sample:
    """One look. `at` is in seconds since the beginning, `jobs` how many had ended."""

    at: float
    jobs: int
    values: dict[Series, float] = field(default_factory=dict)


def roles(root: psutil.Process) -> dict[psutil.Process, str]:
    """The processes of the service below one, each with its role."""
    found: dict[int, str] = {}
    below: dict[psutil.Process, str] = {}
    for process in root.children(recursive=True):  # parents come before their children
        try:
            role = _BELOW.get(found.get(process.ppid(), "")) or _started_as(process.cmdline())
        except psutil.NoSuchProcess:
            continue
        if role:
            found[process.pid] = below[process] = role
    return below


def _started_as(words: list[str]) -> str:
    if words and words[0].rpartition("/")[2].startswith(("valkey-server", "redis-server")):
        return "redis"
    return next((role for word, role in _PROGRAMS.items() if word in words), "")


def of_processes(root: psutil.Process) -> dict[Series, float]:
    """Of all processes of the service below `root`: the mean of each role."""
    found: dict[Series, list[float]] = {}
    for process, role in roles(root).items():
        try:
            with process.oneshot():
                values = {
                    "PSS": process.memory_full_info().pss / MIB,
                    "threads": process.num_threads(),
                    "files": process.num_fds(),
                }
        except (psutil.NoSuchProcess, psutil.AccessDenied):  # it has just ended
            continue
        for what, value in values.items():
            found.setdefault((f"{role}, {what}", "MiB" if what == "PSS" else what), []).append(value)
    return {series: sum(values) / len(values) for series, values in found.items()}


def of_redis(client: "redis.Redis") -> dict[Series, float]:
    """Of the server: all its databases together."""
    info = client.info("everything")
    keys = sum(each["keys"] for name, each in info.items() if name.startswith("db") and isinstance(each, dict))
    return {
        ("redis, used_memory", "MiB"): info["used_memory"] / MIB,
        ("redis, connections", "connections"): info["connected_clients"],
        ("redis, keys", "keys"): keys,
    }


def size_of_aof(client: "redis.Redis") -> tuple[float, float]:
    """MiB of the append-only file now, and when it was last rewritten."""
    info = client.info("persistence")
    return info["aof_current_size"] / MIB, info["aof_base_size"] / MIB
