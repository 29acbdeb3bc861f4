"""`top`: queues, workers and the newest jobs on one page, drawn anew every second; one page and no more off a terminal."""

import time
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from trafficjobs.cli import jobs, output, service
from trafficjobs.cli.session import Session, command
from trafficjobs.client import Client
from trafficjobs.errors import Unavailable

NEWEST = 12  # jobs


def add_to(app: typer.Typer) -> None:
    """Make `top` a command of `app`."""
    command(app)(top)


def top(
    session: Session,
    interval: Annotated[float, typer.Option(metavar="SECONDS", min=0.2, help="Between two looks.")] = 1.0,
    count: Annotated[int | None, typer.Option(metavar="N", min=1, help="End after so many looks.")] = None,
) -> None:
    """Show queues, workers and jobs, live. Ctrl-C ends it. With --json one look a line, one look without --count."""
    console = output.console()
    looks = count or (None if console.is_terminal and not session.as_json else 1)
    if session.as_json or not console.is_terminal:
        for number in range(looks or 1):
            if number:
                time.sleep(interval)
            seen = _look(session.client)
            if session.as_json:
                output.document(seen, indent=None)
            else:
                console.print(_page(seen))
        return
    with Live(_page(_look(session.client)), console=console, screen=False, auto_refresh=False) as live:
        left = None if looks is None else looks - 1
        while left is None or left > 0:
            time.sleep(interval)
            try:
                live.update(_page(_look(session.client)), refresh=True)
            except Unavailable as error:  # it may come back
                live.update(Text(output.clean(str(error)), style="red"), refresh=True)
            left = None if left is None else left - 1


def _look(client: Client) -> dict[str, Any]:
    newest = [job.record for job in client.jobs(limit=NEWEST)]
    return {"url": client.url, "queues": client.queues(), "workers": client.workers(), "jobs": newest}


def _page(seen: dict[str, Any]) -> Group:
    queues, workers = seen["queues"], seen["workers"]
    busy = sum(len(one.get("running", [])) for one in workers)
    children = sum(one.get("children", 0) for one in workers)
    waiting = sum(one["depth"] for one in queues)
    head = f"{seen['url']}   {waiting} wait   {busy} of {children} run   {len(workers)} workers   {time.strftime('%H:%M:%S')}"
    running = [
        (one["name"], job["operation"], job["job"], output.seconds_text(job["seconds"]))
        for one in workers
        for job in one.get("running", [])
    ]
    return Group(
        Text(output.clean(head), style="bold"),
        "",
        output.grid(service.QUEUE_COLUMNS, map(service.queue_row, queues)),
        "",
        output.grid(("WORKER", "RUNS", "JOB", "FOR"), running) if running else Text("Nothing runs.", style="dim"),
        "",
        output.grid(jobs.COLUMNS, map(jobs.row, seen["jobs"])) if seen["jobs"] else Text("No job yet.", style="dim"),
    )
