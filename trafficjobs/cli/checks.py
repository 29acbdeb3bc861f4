"""What `doctor` asks by itself, of any service: its address, whether it answers and is ready, clocks, workers and queues.

Each check is a function of what the service tells about itself; nothing is changed.
"""

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from trafficjobs import __version__
from trafficjobs.cli.output import seconds_text
from trafficjobs.client import Client
from trafficjobs.errors import Forbidden, NotFound, Unavailable
from trafficjobs.shapes import FindingRecord, Health, QueueRecord, WorkerRecord

OK, UNKNOWN, WARNING, FAILED = "ok", "unknown", "warning", "failed"
# Seconds from which on something is worth a word.
UPKEEP_LATE = 15.0
BEAT_LATE = 60.0
WAITS_LONG = 300.0
CLOCK_OFF = 3.0


@dataclass(frozen=True)
class Check:
    """What was looked at, how it is (ok, unknown, warning, failed), what was seen, and what to do where it is not well."""

    name: str
    status: str
    seen: str
    remedy: str = ""


def _judged(name: str, well: bool, seen: str, remedy: str) -> Check:
    """A check that is well or has failed."""
    return Check(name, OK, seen) if well else Check(name, FAILED, seen, remedy)


def checks(client: Client) -> Iterator[Check]:
    """What can be seen from here, and then what the service has found itself, where it tells. Raises TrafficjobsError."""
    yield _address(client)
    health = client.health()
    yield Check("reachable", OK, f"{client.url} answered after {health['latency'] * 1000:.0f} ms")
    yield _judged(
        "ready", health["ready"], health["detail"] or "ready", "see that Redis runs and takes writes; the API's log says more"
    )
    yield _clock(health)
    examined, left_out = _examined(client)
    if examined is None:
        yield from _told(health)
    if health["ready"]:  # what follows asks Redis
        yield from _serving(client, workers_too=examined is None)
    if examined is None:
        yield left_out
    else:
        yield from (Check(one["check"], one["status"], one["seen"], one["remedy"]) for one in examined)


def _examined(client: Client) -> tuple[list[FindingRecord] | None, Check]:
    """What the service has found itself; None, and why not."""
    name, seen = "the rest", "Redis, its rights, scripts, records and upkeep were looked at from outside only"
    try:
        return client.examination()["checks"], Check(name, OK, seen)
    except Forbidden as error:
        return None, Check(name, UNKNOWN, f"{seen}: {error}", "take a token of the role admin")
    except Unavailable as error:
        return None, Check(name, UNKNOWN, f"{seen}: {error}", "look again once it serves")
    except NotFound:
        return None, Check(
            name, UNKNOWN, f"{seen}: the service is older than /doctor", "bring it up to the version of this program"
        )


def _serving(client: Client, workers_too: bool) -> Iterator[Check]:
    queues, workers = client.queues(), client.workers()
    if workers_too:
        yield _beats(workers, queues)
        for worker in workers:
            if broken := worker.get("operations_broken"):
                yield _operations(broken, f" of {worker['name']}")
    for queue in queues:
        yield _queue(queue, bool(workers))


def _address(client: Client) -> Check:
    address = urlsplit(client.url)
    seen = f"{client.url}, by {client.target.source}, trafficjobs {__version__}"
    remedy = "use an https:// address, or forward a port to this machine"
    open_token = client.target.token is not None and address.scheme == "http" and not _near(address.hostname or "")
    return _judged("address", not open_token, f"{seen}; the token goes unencrypted" if open_token else seen, remedy)


def _near(host: str) -> bool:
    """Whether what is sent there stays on this machine or in this cluster."""
    if host == "localhost" or ("." not in host and ":" not in host) or host.endswith((".svc", ".cluster.local")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _clock(health: Health) -> Check:
    skew = health["clock_skew"]
    well = abs(skew) <= CLOCK_OFF
    seen = "as the service's" if well else f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the service's"
    return _judged("clock", well, seen, "set the clock of the machine that is wrong, by NTP")


def _told(health: Health) -> Iterator[Check]:
    """What /readyz tells; a service that does not tell a thing is not blamed for it."""
    checks = health["checks"]
    for name, look in _LOOKS.items():
        if name in checks:
            yield look(checks[name])


def _redis(told: Any) -> Check:
    if not isinstance(told, dict):
        told = {"status": str(told)}
    state, policy = told.get("status", "ok"), told.get("maxmemory_policy") or told.get("policy")
    if policy is not None and policy != "noeviction":
        remedy = "set maxmemory-policy noeviction: any other may throw jobs away"
        return Check("redis", FAILED, f"maxmemory-policy is {policy}", remedy)
    if state == "ok" and told.get("warnings"):
        return Check("redis", FAILED, "; ".join(told["warnings"]))
    remedy = "give it more memory, or wait until jobs end and expire; jobs that run still end"
    return _judged("redis", state == "ok", f"{state}{f', {policy}' if policy else ''}", remedy)


def _upkeep(told: Any) -> Check:
    age = told.get("age_seconds") if isinstance(told, dict) else None
    seen = "never seen" if age is None else f"seen {seconds_text(max(0.0, age))} ago"
    remedy = "start the upkeep process beside the API: without it nothing is reaped, promoted or expired"
    return _judged("upkeep", age is not None and age <= UPKEEP_LATE, seen, remedy)


def _data(told: Any) -> Check:
    version = told.get("version") if isinstance(told, dict) else told
    return (
        Check("data", OK, f"version {version}") if version else Check("data", WARNING, "none is loaded", "trafficjobs load FILE")
    )


def _operations(told: Any, whose: str = "") -> Check:
    broken = "; ".join(f"{one.get('file')}: {one.get('reason')}" for one in told)
    return _judged(
        f"operations{whose}", not told, broken or "all files load", "repair the file; the others are offered meanwhile"
    )


_LOOKS: dict[str, Callable[[Any], Check]] = {
    "redis": _redis,
    "upkeep": _upkeep,
    "data": _data,
    "operations_broken": _operations,
}


def _beats(workers: list[WorkerRecord], queues: list[QueueRecord]) -> Check:
    now = datetime.now(UTC)
    ages = {one["name"]: (now - datetime.fromisoformat(one["beat"])).total_seconds() for one in workers}
    late = {name: age for name, age in ages.items() if age > BEAT_LATE}
    if late:
        seen = ", ".join(f"{name} was silent for {seconds_text(age)}" for name, age in late.items())
        return Check("workers", FAILED, seen, "look at its log; its jobs are given to others when their lease ends")
    waiting = sum(queue["depth"] for queue in queues if not queue["paused"])
    if not workers:
        seen = f"none beats, and {waiting} jobs wait" if waiting else "none beats, and no job waits for one"
        return _judged("workers", not waiting, seen, "start one, or see why it is not scaled up from zero")
    children = sum(one.get("children", 0) for one in workers)
    return Check("workers", OK, f"{len(workers)} beat, {children} jobs at once")


def _queue(queue: QueueRecord, served: bool) -> Check:
    name, oldest = f"queue {queue['name']}", queue.get("oldest_age") or 0.0
    seen = f"{queue['depth']} wait, {queue['running']} run" + (f", the oldest for {seconds_text(oldest)}" if oldest else "")
    if queue["paused"]:
        return Check(name, FAILED, f"paused; {seen}", f"trafficjobs resume {queue['name']}")
    if queue.get("unserved"):
        remedy = "start a worker that knows their operation, or cancel them"
        return Check(name, FAILED, f"{queue['unserved']} jobs that no worker can run", remedy)
    if queue.get("rejected"):
        remedy = f"look at what stands in {queue['name']}.rejected, and at the program that put it there"
        return Check(name, FAILED, f"{queue['rejected']} entries that could not be read", remedy)
    remedy = "start more workers" if served else "start a worker"
    return _judged(name, oldest <= WAITS_LONG, seen, remedy)
