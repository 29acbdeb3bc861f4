"""`batch`: many jobs under one id. Submit, list, show, wait for, cancel and retry them; see who was told of their end."""

from typing import Annotated, Any

import typer

from trafficjobs.cli import deliveries, output
from trafficjobs.cli.session import Session, command
from trafficjobs.cli.submit import Notify, NotifyOn, bodies_of, targets
from trafficjobs.errors import BatchFailed
from trafficjobs.shapes import BatchRecord

Id = Annotated[str, typer.Argument(metavar="BATCH", help="Id of the batch; `batch list` shows them.")]
_COLUMNS = ("BATCH", "STATUS", "JOBS", "COMPLETE", "FAILED", "CANCELLED", "LEFT", "SUBMITTED")


def add_to(app: typer.Typer) -> None:
    """Make `batch` a group of `app`."""
    group = typer.Typer(help="Many jobs under one id.")
    for name, function in (("submit", submit), ("list", list_batches), ("show", show), ("wait", wait)):
        command(group, name)(function)
    command(group, "cancel")(cancel)
    command(group, "retry")(retry)
    command(group, "deliveries")(list_deliveries)
    command(group, "resend")(resend)
    app.add_typer(group, name="batch")


def submit(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, or a JSON list, of bodies of jobs; - for stdin.")],
    id: Annotated[str | None, typer.Option("--id", help="Of the batch; sending it again changes nothing.")] = None,
    queue: Annotated[str | None, typer.Option(help="Queue of all its jobs.")] = None,
    notify: Notify = None,
    notify_on: NotifyOn = None,
) -> None:
    """Submit up to 10,000 jobs: all of them, or none; prints the batch's id."""
    made = session.client.submit_batch(bodies_of(file), id=id, queue=queue, notify=targets(notify, notify_on))
    session.show(made, lambda: output.say(made["id"]))


def list_batches(
    session: Session,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 20,
) -> None:
    """List batches, the newest first."""
    found = list(session.client.batches(limit))
    session.show({"batches": found}, lambda: output.table(_COLUMNS, map(_row, found), "There are no batches."))


def _row(one: BatchRecord) -> list[Any]:
    status = output.status_text(one["status"])
    counts = [one["total"], one["complete"], one["failed"], one["cancelled"], one["pending"]]
    return [one["id"], status, *counts, f"{output.age(one['created'])} ago"]


def show(session: Session, id: Id) -> None:
    """Show one batch. `list --batch` lists its jobs."""
    _show(session, session.client.batch(id))


def wait(
    session: Session,
    id: Id,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", min=0, help="Wait no longer than this.")] = None,
) -> None:
    """Wait for the end of all its jobs; fails where one of them has failed or was cancelled."""
    found = session.client.wait_for_batch(id, timeout)
    _show(session, found)
    if found["status"] != "complete":
        raise BatchFailed(f"Batch {id} is {found['status']}: {found['failed']} jobs failed, {found['cancelled']} were cancelled.")


def cancel(session: Session, id: Id) -> None:
    """Cancel all of its jobs that have not ended."""
    done = session.client.cancel_batch(id)
    text = f"{done['cancelled']} jobs are cancelled, {done['told']} that run are told to stop"
    session.show(done, lambda: output.say(text))


def retry(session: Session, id: Id) -> None:
    """Run its failed and cancelled jobs again."""
    retried = session.client.retry_batch(id)
    session.show({"retried": retried}, lambda: output.say(f"{retried} jobs run again"))


def list_deliveries(session: Session, id: Id) -> None:
    """List the webhooks and e-mails about the end of a batch."""
    deliveries.show(session, session.client.batch_deliveries(id))


def resend(session: Session, id: Id, delivery: deliveries.DeliveryId) -> None:
    """Send a delivery of a batch again, or now instead of later. The receiver sees the same id as before."""
    deliveries.sent(session, session.client.resend_of_batch(id, delivery))


def _show(session: Session, found: BatchRecord) -> None:
    session.show(found, lambda: output.table(("", ""), [(name, value) for name, value in found.items() if value is not None]))
