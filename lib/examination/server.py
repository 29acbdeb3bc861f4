"""The server by what it says in INFO: its version, whether what it takes reaches the disk, whether it evicts, and its memory."""

from collections.abc import Iterator
from typing import Any

import redis

from lib.examination.finding import FAILED, OK, WARNING, Finding
from lib.examination.look import Look

MEMORY_HIGH, MEMORY_FULL = 0.80, 0.95  # of maxmemory
FRAGMENTED, FRAGMENTED_FROM = 1.5, 100 * 2**20  # ratio, and bytes below which it is the allocator's own rest
_MIB = 2**20


def version(look: Look) -> Iterator[Finding]:
    """Whether it is new enough for what the settings ask of it."""
    info = look.info
    name = "Valkey" if "valkey_version" in info else "Redis"
    told = str(info.get("valkey_version") or info.get("redis_version") or "0")
    needed = {"Valkey": (8, 0), "Redis": (7, 2) if look.settings.durability == "strict" else (7, 0)}[name]
    found = tuple(int(part) for part in told.split(".")[:2] if part.isdigit())
    if found >= needed:
        yield Finding("server", OK, f"{name} {told}")
        return
    wanted = ".".join(map(str, needed))
    strict = " for DURABILITY=strict" if needed == (7, 2) else ""
    yield Finding("server", FAILED, f"{name} {told}", f"take {name} {wanted} or newer{strict}")


def persistence(look: Look) -> Iterator[Finding]:
    """Whether accepted jobs outlive the server's process."""
    trouble = list(_unkept(look))
    yield from trouble
    if not trouble:
        rewritten = look.info.get("aof_last_bgrewrite_status", "ok")
        yield Finding("persistence", OK, f"append-only file on, last write ok, last rewrite {rewritten}")


def _unkept(look: Look) -> Iterator[Finding]:
    info = look.info
    if info.get("loading"):
        yield Finding("persistence", WARNING, "Redis is loading its data", "wait until it has loaded; requests get 503 meanwhile")
    if not info.get("aof_enabled"):
        remedy = "set appendonly yes: a restart loses what was accepted since the last snapshot"
        yield Finding("persistence", FAILED, "the append-only file is off", remedy)
    elif info.get("aof_last_write_status") != "ok":
        remedy = "make room on the volume of Redis, and look at its log; until then it takes no writes"
        yield Finding("persistence", FAILED, "the last write of the append-only file failed", remedy)
    for field, what in (("aof_last_bgrewrite_status", "rewrite of the append-only file"), ("rdb_last_bgsave_status", "snapshot")):
        if info.get(field, "ok") != "ok":
            remedy = "look at the log of Redis; it needs memory for a fork, and room on its volume for a second copy"
            yield Finding("persistence", WARNING, f"the last {what} failed", remedy)
    if look.settings.durability == "strict" and (refused := _no_waitaof(look)):
        remedy = "take Redis 7.2 or newer, or Valkey; or set DURABILITY=everysec"
        yield Finding("persistence", FAILED, f"DURABILITY=strict, and WAITAOF answers: {refused}", remedy)


def _no_waitaof(look: Look) -> str:
    try:
        look.store.read(lambda rd: rd.waitaof(0, 0, 1))
    except redis.exceptions.NoPermissionError:
        return ""  # the check of rights tells it
    except redis.ResponseError as error:
        return str(error)
    return ""


def eviction(look: Look) -> Iterator[Finding]:
    """Whether the server throws keys away when its memory is full."""
    policy, evicted = str(look.info.get("maxmemory_policy", "not told")), int(look.info.get("evicted_keys", 0))
    if policy != "noeviction":
        remedy = "set maxmemory-policy noeviction: any other may throw jobs away"
        yield Finding("eviction", FAILED, f"maxmemory-policy is {policy}", remedy)
    if evicted:
        remedy = "look for jobs that are gone, submit them again; the number starts anew when Redis does"
        yield Finding("eviction", WARNING, f"{evicted} keys were thrown away since Redis was started", remedy)
    if policy == "noeviction" and not evicted:
        yield Finding("eviction", OK, "noeviction, and no key was thrown away")


def memory(look: Look) -> Iterator[Finding]:
    """How much is left below maxmemory, and how much is lost between pieces."""
    info: Any = look.info
    used, limit, ratio = int(info["used_memory"]), int(info.get("maxmemory", 0)), float(info.get("mem_fragmentation_ratio", 1))
    share = used / limit if limit else 0.0
    seen = f"{used / _MIB:,.1f} MiB used" + (f" of {limit / _MIB:,.1f} MiB ({share:.0%})" if limit else ", no limit is set")
    if share >= MEMORY_FULL:
        remedy = (
            "raise maxmemory, or lower RESULT_TTL and FAILED_TTL; at the limit no job is accepted, and those that run still end"
        )
        yield Finding("memory", FAILED, seen, remedy)
    elif share >= MEMORY_HIGH:
        yield Finding("memory", WARNING, seen, "raise maxmemory, or lower RESULT_TTL and FAILED_TTL, before it is full")
    lost = int(info.get("used_memory_rss", 0)) - used
    if ratio > FRAGMENTED and lost > FRAGMENTED_FROM:
        remedy = "set activedefrag yes, or restart Redis in a quiet hour"
        yield Finding("memory", WARNING, f"{lost / _MIB:,.0f} MiB are lost to fragmentation (ratio {ratio:g})", remedy)
    elif share < MEMORY_HIGH:
        yield Finding("memory", OK, seen)
