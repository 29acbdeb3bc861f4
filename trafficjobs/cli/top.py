"""`top`: throughput, times, queues, workers and the newest jobs on one page, drawn anew every second; once off a terminal."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from trafficjobs.cli import jobs, output, service
from trafficjobs.cli.rates import WINDOW, Rates, over_a_minute, sample_of
from trafficjobs.cli.session import Session, command
from trafficjobs.client import Client
from trafficjobs.errors import Forbidden, NotFound, Unauthorized, Unavailable

NEWEST = 12  # jobs
_BUSIEST = 8  # operations
_OPERATIONS = ("OPERATION", "IN/S", "OUT/S", "WAIT P50", "P95", "P99", "RUN P50", "P95", "P99", "OF")


def add_to(app: typer.Typer) -> None:
    """Make `top` a command of `app`."""
    command(app)(top)


def top(
    session: Session,
    interval: Annotated[float, typer.Option(metavar="SECONDS", min=0.2, help="Between two looks.")] = 1.0,
    count: Annotated[int | None, typer.Option(metavar="N", min=1, help="End after so many looks.")] = None,
) -> None:
    """Show throughput, times, queues, workers and jobs, live. Ctrl-C ends it. With --json a look a line, one without --count.

    IN/S and OUT/S are jobs a second since the last look; times are of the last minute's jobs, or of all where there was none.
    """
    look = _Looks(session.client).look
    console = output.console()
    looks = count or (None if console.is_terminal and not session.as_json else 1)
    if session.as_json or not console.is_terminal:
        for number in range(looks or 1):
            if number:
                time.sleep(interval)
            seen = look()
            if session.as_json:
                output.document(seen, indent=None)
            else:
                output.page(_page(seen))
        return
    with Live(_page(look()), console=console, screen=False, auto_refresh=False) as live:
        left = None if looks is None else looks - 1
        while left is None or left > 0:
            time.sleep(interval)
            try:
                live.update(_page(look()), refresh=True)
            except Unavailable as error:  # it may come back
                live.update(Text(output.clean(str(error)), style="red"), refresh=True)
            left = None if left is None else left - 1


class _Looks:
    """Looks at a service, which remember the ones before for a minute."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._rates = Rates()

    def look(self) -> dict[str, Any]:
        """All that the page shows. Raises TrafficjobsError."""
        client = self._client
        newest = [job.record for job in client.jobs(limit=NEWEST)]
        seen: dict[str, Any] = {"url": client.url, "queues": client.queues(), "workers": client.workers(), "jobs": newest}
        return seen | self._counted()

    def _counted(self) -> dict[str, Any]:
        """Throughput and times; nothing where the counters are for others."""
        try:
            self._rates.add(sample_of(self._client.metrics(), time.monotonic()))
        except (Unauthorized, Forbidden):  # they want a token of their own
            now: dict[str, float] | None = None
            operations: list[dict[str, Any]] | None = None
        else:
            now, operations = self._rates.now(), self._rates.operations()
        try:
            minute = over_a_minute(self._client.history(WINDOW))
        except NotFound:  # an older service
            minute = None
        return {"throughput": {"now": now, "minute": minute}, "operations": operations}


def _flow(seen: dict[str, Any]) -> str:
    told = [(words, seen["throughput"][name]) for name, words in (("now", "now"), ("minute", "over a minute"))]
    known = [f"{one['submitted']:.3g}/s in, {one['ended']:.3g}/s out {words}" for words, one in told if one]
    return "   ".join(known)


def _times(one: dict[str, Any]) -> Iterator[Any]:
    yield from (one["operation"], *("-" if one[name] is None else f"{one[name]:.3g}" for name in ("submitted", "ended")))
    for name in ("wait", "run"):
        yield from ("-" if value is None else output.span(value) for value in one[name].values())
    yield "last minute" if one["over"] == "minute" else "all"


def _page(seen: dict[str, Any]) -> Group:
    queues, workers = seen["queues"], seen["workers"]
    busy = sum(len(one.get("running", [])) for one in workers)
    children = sum(one.get("children", 0) for one in workers)
    waiting = sum(one["depth"] for one in queues)
    head = f"{seen['url']}   {waiting} wait   {busy} of {children} run   {len(workers)} workers   {time.strftime('%H:%M:%S')}"
    busiest = (seen["operations"] or [])[:_BUSIEST]
    without = "The counters want a token of their own." if seen["operations"] is None else "No job was counted."
    running = [
        (one["name"], job["operation"], job["job"], output.seconds_text(job["seconds"]))
        for one in workers
        for job in one.get("running", [])
    ]
    return Group(
        Text(output.clean(head), style="bold"),
        Text(_flow(seen)),
        "",
        output.grid(_OPERATIONS, [list(_times(one)) for one in busiest]) if busiest else Text(without, style="dim"),
        "",
        output.grid(service.QUEUE_COLUMNS, map(service.queue_row, queues)),
        "",
        output.grid(("WORKER", "RUNS", "JOB", "FOR"), running) if running else Text("Nothing runs.", style="dim"),
        "",
        output.grid(jobs.COLUMNS, map(jobs.row, seen["jobs"])) if seen["jobs"] else Text("No job yet.", style="dim"),
    )
