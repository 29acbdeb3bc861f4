"""`load`: a file or an address becomes the data; a bar while it is sent and read, then the report of what became of its rows.

Off a terminal there are lines instead of the bar. The report comes from the job; here it is only put in order for people.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from trafficjobs.cli import output
from trafficjobs.cli.session import Session
from trafficjobs.cli.waiting import ended
from trafficjobs.errors import Invalid
from trafficjobs.job import Job
from trafficjobs.uploads import is_address

MODES = ("replace", "append")
_LABELS_SHOWN = 10


def load(
    session: Session,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE|URL]",
            help="CSV, JSON or JSON lines, or where the service may download one; without it the service's own DATA_FILE.",
        ),
    ] = None,
    mode: Annotated[str, typer.Option(metavar="replace|append", help="What happens to the data that is there.")] = "replace",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is loaded.")] = True,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", min=0, help="Wait no longer than this.")] = None,
) -> None:
    """Load a file of incidents, and show what was read, kept, merged, nulled and dropped."""
    if mode not in MODES:
        raise Invalid(f"--mode is {' or '.join(MODES)}, not {mode!r}.")
    job = _sent(session, file, mode)
    if not wait:
        session.show(job.record, lambda: output.say(job.id))
        return
    ended(job, timeout, lines=True)
    if session.as_json:
        output.document(job.record)
    result = job.value()
    if not session.as_json:
        _show(result if isinstance(result, dict) else {})


def _sent(session: Session, file: str | None, mode: str) -> Job:
    if file is None or is_address(file):
        return session.client.load(file, mode=mode)
    come = 0
    with output.bar() as shown:
        task = shown.add_task("upload", total=None, note="")

        def progress(sent: int, total: int | None) -> None:
            nonlocal come
            come = sent
            shown.update(task, completed=sent, total=total, note=f"{sent / 2**20:.1f} MiB")

        job = session.client.load(Path(file), mode=mode, progress=progress)
    if shown.disable:
        output.note(f"{file}: {come / 2**20:.1f} MiB sent")
    return job


def _show(result: Mapping[str, Any]) -> None:
    report = result.get("report") or {}
    days = f", {result['first']} to {result['last']}" if result.get("first") else ""
    output.say(f"{result.get('rows') or 0:,} incidents are loaded{days}")
    if report:
        output.table(("", "ROWS", "WHY", "FOR EXAMPLE"), _lines(report))


def _lines(report: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    yield "read", _count(report.get("rows_read")), str(report.get("format", "")), ""
    yield "kept", _count(report.get("rows_kept")), "", ""
    duplicates = [report["duplicates"]] if report.get("duplicates") else []
    for what, notes in (
        ("merged", duplicates),
        ("dropped", report.get("dropped") or []),
        ("nulled", report.get("nulled") or []),
        ("kept, with care", report.get("formulas") or []),
    ):
        for note in notes:
            rows = ", ".join(map(str, note["rows"])) + (", ..." if note["count"] > len(note["rows"]) else "")
            yield what, _count(note["count"]), f"{note['column']}: {note['reason']}", f"row {rows}"
    labels = list((report.get("labels") or {}).items())
    for label, to in labels[:_LABELS_SHOWN]:
        yield "label folded", "", f"{label!r} is {to!r}", ""
    if len(labels) > _LABELS_SHOWN:
        yield "label folded", "", f"and {len(labels) - _LABELS_SHOWN} more", ""
    places = report.get("addresses") or {}
    if places.get("spellings", 0) > places.get("places", 0):
        yield "addresses", "", f"{places['spellings']:,} spellings of {places['places']:,} places", ""


def _count(number: Any) -> str:
    return f"{number:,}" if isinstance(number, int) else "-"
