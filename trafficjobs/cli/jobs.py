"""Commands on jobs that were submitted: status, result, list, cancel, delete, log, watch.

Everything but `watch` and `log --follow` answers at once; those end when the job does, or at Ctrl-C.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from trafficjobs.cli import output
from trafficjobs.cli.session import Session, command
from trafficjobs.cli.waiting import ended
from trafficjobs.errors import Invalid, ResultTimeout
from trafficjobs.job import Job
from trafficjobs.shapes import JobRecord

JobId = Annotated[str, typer.Argument(metavar="ID", help="Id of the job.")]
JobIds = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of the jobs.")]
Seconds = Annotated[float | None, typer.Option("--timeout", metavar="SECONDS", min=0, help="Wait no longer than this.")]
FORMS = {
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "csv": "text/csv",
    "geojson": "application/geo+json",
    "html": "text/html",
}
_TIMES = ("submitted", "due", "started", "ended")
_SHOWN = (
    "id",
    "status",
    "operation",
    "input",
    "queue",
    "priority",
    "position",
    "eta",
    "progress",
    "attempt",
    "worker",
    "by",
    "files",
    "depends_on",
    "cached",
    "batch",
    "request_id",
    "traceparent",
)


def add_to(app: typer.Typer) -> None:
    """Make them commands of `app`."""
    for function, name in ((status, "status"), (result, "result"), (list_jobs, "list"), (watch, "watch"), (cancel, "cancel")):
        command(app, name)(function)
    for function, name in ((delete, "delete"), (log, "log")):
        command(app, name)(function)


def status(session: Session, id: JobId) -> None:
    """Show a job's record."""
    record = session.client.job(id).record

    def text() -> None:
        rows: list[tuple[str, Any]] = [(name, record.get(name)) for name in _SHOWN]
        rows += [(name, f"{moment} ({output.age(moment)} ago)") for name in _TIMES if (moment := str(record.get(name) or ""))]
        rows += [("result", record.get("result")), ("error", (record.get("error") or {}).get("message"))]
        rows.append(("fingerprint", record.get("fingerprint")))
        shown = [(name, value) for name, value in rows if value not in (None, [], {})]
        width = max(len(name) for name, _ in shown)
        for name, value in shown:
            output.say(f"{name.ljust(width)}  {output.shown(value)}")

    session.show(record, text)


def result(
    session: Session,
    id: JobId,
    accept: Annotated[str | None, typer.Option(metavar="FORM", help="png, svg, csv, geojson, html, json, or a type.")] = None,
    file: Annotated[str | None, typer.Option(metavar="NAME", help="One of the job's files instead.")] = None,
    to: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it to a file.")] = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait for the end.")] = False,
    timeout: Seconds = None,
) -> None:
    """Print a job's result: JSON, or one of its files.

    For example: trafficjobs result ID --accept png --output plot.png
    """
    job = session.client.job(id)
    if wait:
        ended(job, timeout)
    if not job.ended:
        raise ResultTimeout(dict(job.record), 0.0)
    value = job.value()
    if file is None and (accept is None or accept == "json"):
        if to is None:
            output.document(value)
        else:
            to.write_text(f"{output.as_json(value)}\n", encoding="utf-8")
        return
    content = job.download(file) if file is not None else job.fetch(FORMS.get(str(accept), str(accept))).content
    if to is not None:
        to.write_bytes(content)
    elif sys.stdout.isatty() and b"\0" in content:
        raise Invalid("This is no text; write it to a file with --output FILE.")
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()


def list_jobs(
    session: Session,
    status: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    operation: Annotated[str | None, typer.Option(help="Only jobs of this operation.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only jobs of this batch.")] = None,
    fingerprint: Annotated[str | None, typer.Option(help="Only jobs that failed alike; `failures` lists the groups.")] = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="In the operation, submitter, parameters or error, or the id's beginning.")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Submitted from then on; ISO 8601, UTC.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Submitted before then.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 20,
) -> None:
    """List jobs, the newest first."""
    filters = {"status": status, "operation": operation, "batch": batch, "fingerprint": fingerprint, "search": search}
    chosen = session.client.jobs(**filters, since=since, until=until, limit=limit)
    found = [job.record for job in chosen]
    session.show({"jobs": found}, lambda: output.table(COLUMNS, map(row, found), "There are no such jobs."))


COLUMNS = ("ID", "STATUS", "OPERATION", "QUEUE", "SUBMITTED", "TOOK")


def row(record: JobRecord) -> list[Any]:
    """A job in a table."""
    started, over = record.get("started"), record.get("ended")
    took = output.between(started, over) if started and over else "-"
    submitted = f"{output.age(record.get('submitted'))} ago"
    shown = output.status_text(record["status"])
    return [record["id"], shown, record.get("operation"), record.get("queue"), submitted, took]


def cancel(session: Session, ids: JobIds) -> None:
    """Cancel jobs: at once where they wait, soon where they run."""
    each(session, ids, lambda job: job.cancel())


def each(session: Session, ids: list[str], action: Callable[[Job], Job]) -> None:
    """Do something to each of some jobs, and show what has become of them."""
    records = [action(session.client.job(id)).record for id in ids]
    whole = records[0] if len(records) == 1 else {"jobs": records}

    def text() -> None:
        for record in records:
            asked = " (asked to stop)" if record.get("cancel_requested") and record["status"] == "in-progress" else ""
            output.say(f"{record['id']} {record['status']}{asked}")

    session.show(whole, text)


def delete(session: Session, ids: JobIds) -> None:
    """Delete jobs with their logs and files."""
    for id in ids:
        session.client.job(id).delete()
    session.show({"deleted": ids}, lambda: output.say("\n".join(f"{id} deleted" for id in ids)))


def log(
    session: Session,
    id: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
) -> None:
    """Print what a job has written. With --json one line of JSON each."""
    job = session.client.job(id)
    for line in job.follow_log() if follow else job.log():
        if session.as_json:
            output.document(line, indent=None)
        else:
            print(output.clean(line["line"]), flush=True)


def watch(
    session: Session,
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Id of a job; all jobs without it.")] = None,
    timeout: Seconds = None,
) -> None:
    """Show a job, or all of them, as they change. With --json one record a line.

    With an ID it ends when the job does, with its exit code; without one at Ctrl-C.
    """
    job = session.client.job(id) if id is not None else None
    for record in session.client.watch(timeout) if job is None else job.watch(timeout):
        if session.as_json:
            output.document(record, indent=None)
        else:
            output.console().print(_change(record))
    if job is not None:
        job.value()


def _change(record: JobRecord) -> Any:
    progress = record.get("progress") or {}
    line = output.status_text(record["status"].ljust(11))
    total = progress.get("total")
    done = f"  {(progress.get('done') or 0) / total:4.0%}" if total and record["status"] == "in-progress" else ""
    rest = f"  {record['id']}  {record.get('operation')}{done}  {progress.get('note') or ''}"
    line.append(output.clean(rest).rstrip(), style="")
    return line
