"""How fast the server answers, whether its clock agrees with ours, and whether it takes our scripts."""

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import redis

from lib.examination.finding import FAILED, OK, WARNING, Finding
from lib.examination.look import Look
from lib.functions import loaded
from lib.scripts import script_names

PINGS, CALLS = 20, 5
PING_SLOW, CALL_SLOW = 0.005, 0.020  # seconds
CLOCK_OFF = 1.0  # seconds


def latency(look: Look) -> Iterator[Finding]:
    """Medians of some pings, and of some calls of a script that reads."""
    ping = median(_seconds(lambda: look.store.read(lambda rd: rd.ping())) for _ in range(PINGS))
    call = median(_seconds(look.jobs.overdue) for _ in range(CALLS))
    seen = f"a ping takes {ping * 1000:.1f} ms, a script {call * 1000:.1f} ms (medians of {PINGS} and {CALLS})"
    if ping <= PING_SLOW and call <= CALL_SLOW:
        yield Finding("latency", OK, seen)
        return
    remedy = "bring Redis and the API closer together, give Redis a core of its own, and look at SLOWLOG GET"
    yield Finding("latency", WARNING, seen, remedy)


def _seconds(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def clock(look: Look) -> Iterator[Finding]:
    """Leases, schedules and times to live go by the clock of Redis; times in requests by that of the API."""
    seconds, micros = look.store.read(lambda rd: rd.time())
    before, monotonic = time.time(), time.monotonic()
    again, micros_again = look.store.read(lambda rd: rd.time())
    now, passed = time.time(), time.monotonic() - monotonic
    first, second = seconds + micros / 1e6, again + micros_again / 1e6
    ahead = second - now if abs(second - now) < abs(first - before) else first - before
    step = second - first - passed
    remedy = "let NTP keep the clocks of the nodes on which Redis and the API run"
    if abs(step) > CLOCK_OFF:
        yield Finding("redis clock", FAILED, f"the clock of Redis has just jumped by {step:+.1f} s", remedy)
    elif abs(ahead) > CLOCK_OFF:
        way = "ahead of" if ahead > 0 else "behind"
        yield Finding("redis clock", WARNING, f"the clock of Redis is {abs(ahead):.1f} s {way} the API's", remedy)
    else:
        yield Finding("redis clock", OK, "as the API's")


def scripts(look: Look) -> Iterator[Finding]:
    """Whether each script compiles there, under the name by which it is called."""
    made = [look.store.script(name) for name in script_names()]

    def load(rd: redis.Redis) -> list[Any]:
        pipeline = rd.pipeline(transaction=False)
        for script in made:
            pipeline.script_load(script.text)
        pipeline.script_exists(*(script.sha for script in made))
        found: list[Any] = pipeline.execute(raise_on_error=False)
        return found

    *_, known = replies = look.store.read(load)
    if isinstance(known, Exception):
        raise known
    pairs = zip(made, replies, known, strict=False)
    refused = [
        f"{script.name} ({reply if isinstance(reply, Exception) else 'is not known'})"
        for script, reply, there in pairs
        if not there
    ]
    if not refused:
        functions = {script.function for script in made if script.function}
        there = functions & (loaded(look.store) or set())
        faster = f"of {len(functions)} that every job needs {len(there)} also as functions, which is faster"
        yield Finding("scripts", OK, f"all {len(made)} are loaded; {faster}")
        return
    remedy = "allow the user EVAL, EVALSHA and SCRIPT LOAD, and take a server that docs/kubernetes.md names"
    yield Finding("scripts", FAILED, f"{len(refused)} of {len(made)} cannot be loaded: {', '.join(refused[:3])}", remedy)
