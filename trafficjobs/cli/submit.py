"""`submit`: one job by name and parameters, or many bodies from a file or standard input.

Prints the ids, one a line, so that a script can keep them; with `--wait` the results instead. A body that is sent again
finds the job that is there.
"""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from trafficjobs.cli import output
from trafficjobs.cli.parameters import json_object, parsed
from trafficjobs.cli.session import Session, command
from trafficjobs.cli.waiting import ended
from trafficjobs.errors import Invalid, TrafficjobsError
from trafficjobs.job import Job
from trafficjobs.submitting import target_of

Pairs = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter; may stand several times.")
]
JsonParams = Annotated[str | None, typer.Option("--json-params", metavar="JSON", help="All parameters: '{\"n\": 5}'.")]
Bodies = Annotated[
    str | None, typer.Option("--file", "-f", metavar="FILE", help="Bodies of jobs, one JSON object a line; - is standard input.")
]
Intervals = Annotated[
    list[float] | None, typer.Option("--retry-interval", metavar="SECONDS", min=0, help="Before the 1st, 2nd, ... retry.")
]
GrowingIntervals = Annotated[
    str | None,
    typer.Option("--retry-backoff", metavar="FIRST[,FACTOR[,LONGEST]]", help="Seconds before the retries, growing: 1,2,600."),
]

Notify = Annotated[list[str] | None, typer.Option(metavar="URL|ADDRESS", help="Tell it of the end; may stand several times.")]
NotifyOn = Annotated[
    list[str] | None, typer.Option(metavar="complete|failed|cancelled", help="Tell of these ends only; may stand several times.")
]


def add_to(app: typer.Typer) -> None:
    """Make `submit` a command of `app`."""
    command(app)(submit)


def submit(
    session: Session,
    operation: Annotated[str | None, typer.Argument(help="Name of an operation; `operations` lists them.")] = None,
    param: Pairs = None,
    json_params: JsonParams = None,
    file: Bodies = None,
    id: Annotated[str | None, typer.Option("--id", help="Id of the job; sending it again changes nothing.")] = None,
    priority: Annotated[str | None, typer.Option(metavar="high|normal|low")] = None,
    queue: Annotated[str | None, typer.Option(help="Queue it goes to.")] = None,
    run_in: Annotated[float | None, typer.Option(metavar="SECONDS", min=0, help="Until it joins the queue.")] = None,
    run_at: Annotated[str | None, typer.Option(metavar="TIME", help="When it joins the queue; ISO 8601.")] = None,
    depends_on: Annotated[list[str] | None, typer.Option(metavar="JOB", help="Run once this one is complete.")] = None,
    allow_failure: Annotated[bool | None, typer.Option("--allow-failure", help="Run once those have ended.")] = None,
    unique: Annotated[bool | None, typer.Option("--unique", help="Take an equal job that has not ended.")] = None,
    throttle: Annotated[float | None, typer.Option(metavar="SECONDS", help="Take an equal job accepted within them.")] = None,
    debounce: Annotated[float | None, typer.Option(metavar="SECONDS", help="Wait for another equal one instead.")] = None,
    unique_key: Annotated[str | None, typer.Option(metavar="KEY", help="What makes jobs equal.")] = None,
    cache: Annotated[bool | None, typer.Option("--cache/--no-cache", help="Take the result of an equal job.")] = None,
    concurrency_key: Annotated[str | None, typer.Option(metavar="KEY", help="Run one at a time of these.")] = None,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="That a run may take.")] = None,
    retry: Annotated[int | None, typer.Option(metavar="N", min=0, help="Runs after an exception or a timeout.")] = None,
    retry_interval: Intervals = None,
    retry_backoff: GrowingIntervals = None,
    result_ttl: Annotated[int | None, typer.Option(metavar="SECONDS", help="It is kept once complete or cancelled.")] = None,
    failed_ttl: Annotated[int | None, typer.Option(metavar="SECONDS", help="It is kept once it has failed.")] = None,
    notify: Notify = None,
    notify_on: NotifyOn = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait for the end and print the result.")] = False,
    wait_timeout: Annotated[float | None, typer.Option(metavar="SECONDS", min=0, help="Wait no longer than this.")] = None,
) -> None:
    """Submit a job, or many.

    For example: trafficjobs submit top_locations -p n=5 --wait
    """
    options: dict[str, Any] = {"id": id, "priority": priority, "queue": queue, "run_in": run_in, "run_at": run_at}
    options |= {"depends_on": depends_on, "allow_failure": allow_failure, "concurrency_key": concurrency_key, "cache": cache}
    options |= {"unique": unique, "throttle": throttle, "debounce": debounce, "unique_key": unique_key, "timeout": timeout}
    options |= {"result_ttl": result_ttl, "failed_ttl": failed_ttl, "retry": _retry(retry, retry_interval, retry_backoff)}
    options["notify"] = targets(notify, notify_on)
    options = {name: value for name, value in options.items() if value is not None}
    if (operation is None) == (file is None):
        raise Invalid("Name one operation, or bodies with --file; see: trafficjobs submit --help")
    if file is not None:
        if param or json_params or options:
            raise Invalid("--file takes whole bodies; put parameters and options into its lines.")
        _submit_many(session, bodies_of(file), wait, wait_timeout)
        return
    params = json_object(json_params, "--json-params") if json_params is not None else {}
    if param:
        params |= parsed(param, session.client.operation(str(operation)).get("schema", {}))
    _finish(session, session.client.submit(str(operation), params, **options), wait, wait_timeout)


def targets(notify: list[str] | None, on: list[str] | None) -> list[dict[str, Any]] | None:
    """`--notify` and `--notify-on` as a body has them. Raises Invalid."""
    if on and not notify:
        raise Invalid("--notify-on belongs to --notify, which says whom to tell.")
    return [target_of(each, on or ()) for each in notify] if notify else None


def _finish(session: Session, job: Job, wait: bool, timeout: float | None) -> None:
    if not wait:
        session.show(job.record, lambda: output.say(job.id))
        return
    output.note(f"Job {job.id}")
    ended(job, timeout)
    if session.as_json:
        output.document(job.record)
    value = job.value()
    if not session.as_json:
        output.document(value)


def bodies_of(file: str) -> list[dict[str, Any]]:
    """The bodies in a file of JSON lines, or in a JSON list. Raises Invalid naming the line."""
    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    if text.lstrip().startswith("["):
        try:
            bodies = json.loads(text)
        except ValueError as error:
            raise Invalid(f"{file} is not JSON: {error}.") from None
        if not all(isinstance(body, dict) for body in bodies):
            raise Invalid(f"{file} must hold JSON objects.")
        return list(bodies)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    return [json_object(line, f"{file}, line {number},") for number, line in lines]


def _retry(most: int | None, intervals: list[float] | None, backoff: str | None) -> dict[str, Any] | None:
    if most is None and not intervals and not backoff:
        return None
    if backoff and most is None:
        raise Invalid("--retry-backoff needs --retry N, the number of retries.")
    made: dict[str, Any] = {"max": most if most is not None else len(intervals or [])}
    if intervals:
        made["intervals"] = intervals
    if backoff:
        try:
            made["backoff"] = dict(zip(("first", "factor", "longest"), map(float, backoff.split(",")), strict=False))
        except ValueError:
            raise Invalid(f"--retry-backoff {backoff} is no FIRST[,FACTOR[,LONGEST]] of numbers.") from None
    return made


def _submit_many(session: Session, bodies: list[dict[str, Any]], wait: bool, timeout: float | None) -> None:
    if not bodies:
        raise Invalid("There is no body in it; each line is a JSON object with an operation.")
    try:
        jobs = session.client.submit_many(bodies)
    except TrafficjobsError as error:
        _show_ids(session, error.accepted)
        output.note(f"{len(error.accepted)} of {len(bodies)} were submitted.")
        raise
    if not wait:
        _show_ids(session, jobs)
        return
    end = None if timeout is None else time.monotonic() + timeout
    for job in jobs:
        ended(job, None if end is None else max(0.0, end - time.monotonic()))
    if session.as_json:
        output.document({"jobs": [job.record for job in jobs]})
    else:
        for job in jobs:
            output.document({"id": job.id, "status": job.status, "result": job.record.get("result")}, indent=None)
    for job in jobs:
        job.value()


def _show_ids(session: Session, jobs: list[Job]) -> None:
    if session.as_json:
        output.document({"jobs": [job.record for job in jobs]})
    else:
        for job in jobs:
            output.say(job.id)
