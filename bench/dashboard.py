"""`python -m bench.dashboard`: every page of the dashboard with few jobs in Redis and with a million.

For each page the time that the server takes, and the first contentful paint in Chromium, whose window knows nothing of the
service yet: style sheet and scripts come as well. A tenth of the jobs has ended, some of them failed; the others wait.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import orjson
from playwright.sync_api import Browser

from bench.question import Verdict
from lib.claims import complete, failed
from lib.jobs import Jobs, Submission
from lib.operations import load_catalog
from lib.settings import Settings
from tests.browser.chromium import CHROMIUM, WHERE, started
from tests.browser.furniture import addresses, furnish
from tests.browser.house import OPERATIONS, House, built
from tests.workers import ROOT

MOST_PAINT, MOST_RATIO = 300.0, 1.5  # milliseconds; with many jobs against few
# Why a page may cost more.
_REASONS = {"jobs-none": "a search by text looks at 5,000 jobs, where there are so many"}
_PART = 10_000  # jobs of one call
_FAILS_EVERY, _ENDS_EVERY = 50, 10
_QUEUE = "parked"  # served by nobody but this program
_PAINT = """() => new Promise(done => new PerformanceObserver(list => {
  const paint = list.getEntriesByName("first-contentful-paint")[0];
  if (paint) done(paint.startTime);
}).observe({type: "paint", buffered: true}))"""
Times = dict[str, tuple[float, float | None]]  # milliseconds of the server, and to the first paint, by page


def main() -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description=__doc__)
    parser.add_argument("--few", type=int, default=1_000, help="jobs at first (1000)")
    parser.add_argument("--many", type=int, default=1_000_000, help="jobs then (1000000)")
    parser.add_argument("--repeats", type=int, default=9, help="measurements of each page (9)")
    options = parser.parse_args()
    few, many = (_measured(count, options.repeats) for count in (options.few, options.many))
    print("\n".join(lines(few, many, options.few, options.many)))
    return 0


def _measured(count: int, repeats: int) -> Times:
    with tempfile.TemporaryDirectory(prefix="trafficjobs-bench-") as name:
        folder = Path(name)
        sample = folder / "sample.csv"
        command = [sys.executable, "tools/make_sample.py", "--rows", "20000", "--out", str(sample), "--seed", "1"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        with built(folder, sample, queue_limit=10 * count) as house:
            began = time.monotonic()
            fill(house.settings, count)
            print(f"{count:,} jobs in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            return _pages(house, repeats)


def fill(settings: Settings, count: int) -> None:
    """Submit `count` jobs and run a tenth of them, through the library as API and worker do."""
    jobs = Jobs(settings, load_catalog(OPERATIONS))
    for start in range(0, count, _PART):
        numbers = range(start, min(start + _PART, count))
        jobs.submit_many((Submission("echo", {"value": f"number {number}"}) for number in numbers), queue=_QUEUE)
    claim = jobs.claim("bench-child", "bench", [_QUEUE])
    for number in range(1, count // _ENDS_EVERY):
        assert claim is not None
        error = {"type": "ValueError", "message": f"number {number} is odd", "reason": "exception"}
        outcome = complete(orjson.dumps(number)) if number % _FAILS_EVERY else failed(error, may_retry=False)
        claim = jobs.turn(claim, outcome, "bench-child", "bench", [_QUEUE])[1]
    assert claim is not None
    jobs.finish(claim, complete(b"0"))
    jobs.close()


def _pages(house: House, repeats: int) -> Times:
    """Each page in turn, `repeats` times; the medians."""
    pages = addresses(furnish(house))
    server: dict[str, list[float]] = {name: [] for name in pages}
    paint: dict[str, list[float]] = {name: [] for name in pages}
    with started() if CHROMIUM else nullcontext() as browser:
        for repeat in range(repeats + 1):
            for name, address in pages.items():
                began = time.perf_counter()
                house.http.get(f"/{address}", headers={"Accept": "text/html"}).raise_for_status()
                taken = 1_000 * (time.perf_counter() - began)
                painted = first_paint(browser, f"{house.open}/{address}") if browser else 0.0
                if repeat:  # the first time is everybody's first
                    server[name].append(taken)
                    paint[name].append(painted)
    return {name: (statistics.median(server[name]), statistics.median(paint[name]) if CHROMIUM else None) for name in pages}


def first_paint(browser: Browser, url: str) -> float:
    """Milliseconds from the start of the navigation to the first contentful paint, in a window without a cache."""
    page = browser.new_page()
    page.goto(url)
    found = page.evaluate(_PAINT)
    page.close()
    return float(found)


def lines(few: Times, many: Times, fewer: int, more: int) -> Iterator[str]:
    """The table and the targets, as text."""
    yield "\npages of the dashboard (milliseconds, median)"
    yield f"  {'':16}{f'{fewer:,} jobs':>22}{f'{more:,} jobs':>22}{'ratio of the':>14}"
    yield f"  {'':16}{'server':>10}{'paint':>12}{'server':>10}{'paint':>12}{'servers':>14}"
    for name, (server, paint) in many.items():
        before, painted = few[name]
        yield f"  {name:16}{before:>10.1f}{_ms(painted):>12}{server:>10.1f}{_ms(paint):>12}{server / before:>14.2f}"
    yield "\ntargets"
    for verdict in judge(few, many, more):
        yield f"  {'reached' if verdict.reached else 'SHORT':10}{verdict.target:62}{verdict.measured}"


def judge(few: Times, many: Times, more: int) -> Iterator[Verdict]:
    """What is reached of the targets."""
    ratio, name = max((many[name][0] / few[name][0], name) for name in many)
    reason = f"; {_REASONS[name]}" if ratio > MOST_RATIO and name in _REASONS else ""
    yield Verdict(
        f"a page costs the same: at most {MOST_RATIO:g} times", f"{ratio:.2f} times, {name}{reason}", ratio <= MOST_RATIO
    )
    paints = [(paint, name) for name, (_, paint) in many.items() if paint is not None]
    if not paints:
        yield Verdict(f"first paint with {more:,} jobs under {MOST_PAINT:g} ms", f"not measured: {WHERE}", False)
        return
    paint, name = max(paints)
    yield Verdict(f"first paint with {more:,} jobs under {MOST_PAINT:g} ms", f"{paint:.0f} ms, {name}", paint < MOST_PAINT)


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


if __name__ == "__main__":
    sys.exit(main())
