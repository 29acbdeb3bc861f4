"""One job: what it was given, what became of it, attempt by attempt, its result, log and files; and what can be done about it."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response, request
from markupsafe import escape

from lib.bodies import operation_of_message
from lib.errors import InvalidInput
from lib.jobs import Job
from lib.operations import Operation
from lib.states import CANCELLED, COMPLETE, FAILED, IN_PROGRESS, SCHEDULED, SUBMITTED, TERMINAL
from services.api import kinds
from services.api.auth import caller_name, sign_in
from services.api.backend import backend
from services.api.dashboard.pages import blueprint, done, page, render
from services.api.dashboard.words import fitting
from services.api.forms import plain_type
from services.api.problems import Problem
from services.api.routes.jobs import eta_of, find_job, job_id, own_job
from services.api.tables import csv_of, table_of
from services.api.tokens import Role

_CELL_TAGS = 9  # characters around a cell
_RUN = re.compile(r"[0-9]{1,9}\Z")
MOST_ROWS, MOST_LINES, MOST_PICTURES = 200, 500, 6
# Characters in the page, of the result as JSON and as a table, of the log, and of a command that repeats the parameters.
MOST_JSON, MOST_TABLE, MOST_LOG, MOST_COMMAND, MOST_CELL = 20_000, 40_000, 30_000, 6_000, 300


@dataclass(frozen=True)
class Step:
    """One thing that happened to a job, for its timeline."""

    what: str
    status: str
    at: str | None
    until: str | None = None
    detail: str = ""
    error: dict[str, Any] | None = None


@blueprint.get("/jobs/<jid>", endpoint="job")
@page(role=Role.VIEW)
def one_job(jid: str) -> Response:
    """One job."""
    jobs = backend().jobs
    shown = jobs.look(job_id(jid))
    job = shown.job
    files = jobs.files(job.id) if job.status == COMPLETE else {}
    return render(
        "job.html",
        job=job,
        shown=shown,
        eta=eta_of(shown, ask=False),
        steps=steps_of(job),
        files=files,
        pictures=pictures(files),
        table=shown_table(job),
        result=cut(job.result),
        log=shown_log(jobs.last_lines(job.id, MOST_LINES)),
        known=job.operation in backend().catalog.names(),
        ended=job.status in TERMINAL,
        again=job.status in (FAILED, CANCELLED),
        commands=[(name, words) for name, words in (("curl", as_curl(job)), ("Python", as_python(job))) if _fits(words)],
    )


def pictures(files: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Names of the files to look at: of a picture in two formats the one that stays sharp."""
    names = sorted(name for name, about in files.items() if plain_type(about["content_type"]).startswith("image/"))
    drawn = {name.rpartition(".")[0] for name in names if name.endswith(".svg")}
    return [name for name in names if name.endswith(".svg") or name.rpartition(".")[0] not in drawn][:MOST_PICTURES]


def cut(value: Any) -> dict[str, Any] | None:
    """A result as JSON to look at: `text`, and whether it was cut; None where there is none."""
    if value is None:
        return None
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    shown = fitting(text, MOST_JSON)
    return {"text": shown, "cut": shown != text}


def shown_log(lines: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The last lines that a page has room for: `lines`, and whether there may be some before them."""
    left, shown = MOST_LOG, []
    for line in reversed(lines):
        left -= len(escape(line["line"])) + 1
        if left < 0:
            break
        shown.append(line)
    return {"lines": shown[::-1], "cut": len(shown) < len(lines) or len(lines) == MOST_LINES}


def _fits(command: str) -> bool:
    return len(escape(command)) <= MOST_COMMAND


def shown_table(job: Job) -> dict[str, Any] | None:
    """The result as a table of at most MOST_ROWS rows: `header`, `rows`, `total`; None where it is none."""
    if job.status != COMPLETE:
        return None
    table = table_of(job.result, _operation(job))
    if table is None:
        return None
    left, rows = MOST_TABLE, []
    for cells in table[: MOST_ROWS + 1]:
        row = ["" if cell is None else cell if isinstance(cell, int | float) else fitting(str(cell), MOST_CELL) for cell in cells]
        left -= sum(len(escape(str(cell))) + _CELL_TAGS for cell in row)
        if left < 0:
            break
        rows.append(row)
    return {"header": rows[0], "rows": rows[1:], "total": len(table) - 1} if rows else None


def _operation(job: Job) -> Operation | None:
    return backend().catalog.get(job.operation) if job.operation in backend().catalog else None


def steps_of(job: Job) -> list[Step]:
    """What happened, the oldest first: runs before this one, then each attempt of it, then how it stands."""
    steps = [Step(f"Submitted{f' by {job.by}' if job.by else ''}", "submitted", job.submitted)]
    for run in job.runs:
        steps += [_attempt(attempt) for attempt in run["attempts"]]
        steps.append(Step(f"Run {run['run']}: {run['status']}", run["status"], run["ended"], error=run["error"]))
    steps += [_attempt(attempt) for attempt in job.attempts]
    where = f"on {job.worker}" if job.worker else ""
    if job.status == IN_PROGRESS:
        steps.append(Step(f"Attempt {job.attempt} runs", job.status, job.started, detail=where))
    elif job.status == SCHEDULED:
        steps.append(Step("Joins its queue", job.status, job.due))
    elif job.status == COMPLETE and not job.cached:
        steps.append(Step(f"Attempt {job.attempt}: complete", job.status, job.started, job.ended, where))
    elif job.status in TERMINAL:
        steps.append(Step(job.status.capitalize(), job.status, job.ended, detail=f"as {job.cached}" if job.cached else ""))
    return steps


def _attempt(attempt: dict[str, Any]) -> Step:
    status = FAILED if attempt["error"] else SUBMITTED
    outcome = attempt["outcome"] if attempt["error"] else f"handed back, {attempt['outcome']}"
    words = f"Attempt {attempt['attempt']}: {outcome}"
    return Step(words, status, attempt["started"], attempt["ended"], f"on {attempt['worker']}", attempt["error"])


def as_curl(job: Job) -> str:
    """The same job as a curl command."""
    token = [] if sign_in().tokens is None else ['-H "Authorization: Bearer $TOKEN"']
    body = orjson.dumps({"operation": job.operation, "params": params_given(job)}).decode()
    return " ".join(["curl -s", shlex.quote(f"{request.url_root}jobs"), *token, "-d", shlex.quote(body)])


def as_python(job: Job) -> str:
    """The same job for the Python client."""
    token = "" if sign_in().tokens is None else ", token"
    call = f"client.submit({job.operation!r}, {params_given(job)!r})"
    return f"""from trafficjobs import Client

with Client({request.url_root.rstrip("/")!r}{token}) as client:
    print({call}.result(timeout=60))"""


def params_given(job: Job) -> dict[str, Any]:
    """As `POST /jobs` takes them, whatever spelling it came in; none where that cannot be told."""
    try:
        return operation_of_message(job.input)[1]
    except InvalidInput:
        return {}


@blueprint.get("/jobs/<jid>/result.csv")
@page(role=Role.VIEW)
def as_csv(jid: str) -> Response:
    """The result as CSV, for those who cannot say Accept."""
    job = find_job(jid)
    found = csv_of(job.result, _operation(job)) if job.status == COMPLETE else None
    if found is None:
        raise Problem(kinds.NOT_FOUND, f"Job {job.id} has no result that is a table.")
    headers = {"Content-Disposition": f'attachment; filename="{job.operation}-{job.id}.csv"'}
    return Response(found, headers=headers, content_type="text/csv; charset=utf-8")


@blueprint.post("/jobs/<jid>/cancel")
@page(role=Role.SUBMIT, action="jobs.cancel")
def cancel(jid: str) -> Response:
    """Cancel it."""
    state = backend().jobs.cancel(own_job(jid).id, caller_name() or "")
    return done("Its worker was told to stop." if state == IN_PROGRESS else "Cancelled.", "ui.job", jid=jid)


@blueprint.post("/jobs/<jid>/retry")
@page(role=Role.SUBMIT, action="jobs.retry")
def retry(jid: str) -> Response:
    """Run it again, once however often the form is sent: it names the run that ended."""
    job = own_job(jid)
    run = request.form.get("run", "")
    backend().jobs.retry(job.id, int(run) if _RUN.match(run) else job.run, caller_name() or "")
    return done("It waits to run again.", "ui.job", jid=jid)


@blueprint.post("/jobs/<jid>/delete")
@page(role=Role.SUBMIT, action="jobs.delete")
def delete(jid: str) -> Response:
    """Delete it with its log and files."""
    backend().jobs.delete(own_job(jid).id, caller_name() or "")
    return done("Deleted.", "ui.jobs")
