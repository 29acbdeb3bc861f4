"""`doctor`: looks at everything that can be wrong with a service, and says what to do about it.

Each check is a function of what the service tells about itself; nothing is changed, and no command of Redis is needed.
"""

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import typer
from rich.text import Text

from trafficjobs import __version__
from trafficjobs.cli import failures, output
from trafficjobs.cli.output import seconds_text
from trafficjobs.cli.session import Session, command
from trafficjobs.client import Client
from trafficjobs.errors import TrafficjobsError
from trafficjobs.shapes import Health, QueueRecord, WorkerRecord

# Seconds from which on something is worth a word.
UPKEEP_LATE = 15.0
BEAT_LATE = 60.0
WAITS_LONG = 300.0
CLOCK_OFF = 3.0


@dataclass(frozen=True)
class Check:
    """What was looked at, whether it is well, what was seen, and what to do where it is not."""

    name: str
    ok: bool
    seen: str
    remedy: str = ""


def add_to(app: typer.Typer) -> None:
    """Make `doctor` a command of `app`."""
    command(app)(doctor)


def doctor(session: Session) -> None:
    """Check the service: reachable, ready, upkeep, workers, queues, Redis, data, clock."""
    client = session.client
    found: list[Check] = []
    trouble: TrafficjobsError | None = None
    try:
        for check in _checks(client):
            found.append(check)
            if not session.as_json:
                _show(check)
    except TrafficjobsError as error:
        trouble = error
    well = trouble is None and all(check.ok for check in found)
    if session.as_json:
        output.document({"url": client.url, "ok": well, "checks": [asdict(check) for check in found]})
    if trouble is not None:
        raise trouble
    if not well:
        serves = all(check.ok for check in found if check.name == "ready")
        raise typer.Exit(failures.JOB_FAILED if serves else failures.AWAY)


def _show(check: Check) -> None:
    line = Text("✓ " if check.ok else "✗ ", style="green" if check.ok else "red")
    line.append(output.clean(f"{check.name}: {check.seen}"), style="")
    if not check.ok and check.remedy:
        line.append(output.clean(f" → {check.remedy}"), style="bold")
    output.console().print(line)


def _checks(client: Client) -> Iterator[Check]:
    yield _address(client)
    health = client.health()
    yield Check("reachable", True, f"{client.url} answered after {health['latency'] * 1000:.0f} ms")
    remedy = "see that Redis runs and takes writes; the API's log says more"
    yield Check("ready", health["ready"], health["detail"] or "ready", remedy)
    yield _clock(health)
    yield from _told(health)
    if not health["ready"]:
        return  # what follows asks Redis
    queues, workers = client.queues(), client.workers()
    yield _beats(workers, queues)
    for queue in queues:
        yield _queue(queue, bool(workers))


def _address(client: Client) -> Check:
    address = urlsplit(client.url)
    seen = f"{client.url}, by {client.target.source}, trafficjobs {__version__}"
    remedy = "use an https:// address, or forward a port to this machine"
    open_token = client.target.token is not None and address.scheme == "http" and not _near(address.hostname or "")
    return Check("address", not open_token, f"{seen}; the token goes unencrypted" if open_token else seen, remedy)


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
    return Check("clock", well, seen, "set the clock of the machine that is wrong, by NTP")


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
        return Check("redis", False, f"maxmemory-policy is {policy}", remedy)
    if state == "ok" and told.get("warnings"):
        return Check("redis", False, "; ".join(told["warnings"]))
    remedy = "give it more memory, or wait until jobs end and expire; jobs that run still end"
    return Check("redis", state == "ok", f"{state}{f', {policy}' if policy else ''}", remedy)


def _upkeep(told: Any) -> Check:
    age = told.get("age_seconds") if isinstance(told, dict) else None
    seen = "never seen" if age is None else f"seen {seconds_text(max(0.0, age))} ago"
    remedy = "start the upkeep process beside the API: without it nothing is reaped, promoted or expired"
    return Check("upkeep", age is not None and age <= UPKEEP_LATE, seen, remedy)


def _data(told: Any) -> Check:
    version = told.get("version") if isinstance(told, dict) else told
    return Check("data", bool(version), f"version {version}" if version else "none is loaded", "trafficjobs load FILE")


def _operations(told: Any) -> Check:
    broken = "; ".join(f"{one.get('file')}: {one.get('reason')}" for one in told)
    return Check("operations", not told, broken or "all files load", "repair the file; the others are offered meanwhile")


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
        return Check("workers", False, seen, "look at its log; its jobs are given to others when their lease ends")
    waiting = sum(queue["depth"] for queue in queues if not queue["paused"])
    if not workers:
        seen = f"none beats, and {waiting} jobs wait" if waiting else "none beats, and no job waits for one"
        return Check("workers", not waiting, seen, "start one, or see why it is not scaled up from zero")
    children = sum(one.get("children", 0) for one in workers)
    return Check("workers", True, f"{len(workers)} beat, {children} jobs at once")


def _queue(queue: QueueRecord, served: bool) -> Check:
    name, oldest = f"queue {queue['name']}", queue.get("oldest_age") or 0.0
    seen = f"{queue['depth']} wait, {queue['running']} run" + (f", the oldest for {seconds_text(oldest)}" if oldest else "")
    if queue["paused"]:
        return Check(name, False, f"paused; {seen}", f"trafficjobs resume {queue['name']}")
    if queue.get("unserved"):
        remedy = "start a worker that knows their operation, or cancel them"
        return Check(name, False, f"{queue['unserved']} jobs that no worker can run", remedy)
    if queue.get("rejected"):
        remedy = f"look at what stands in {queue['name']}.rejected, and at the program that put it there"
        return Check(name, False, f"{queue['rejected']} entries that could not be read", remedy)
    remedy = "start more workers" if served else "start a worker"
    return Check(name, oldest <= WAITS_LONG, seen, remedy)
