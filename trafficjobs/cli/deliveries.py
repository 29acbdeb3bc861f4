"""`deliveries` and `resend`, also of `batch`: who was told of the end of a job or a batch, and telling them again."""

from typing import Annotated, Any

import typer

from trafficjobs.cli import output
from trafficjobs.cli.jobs import JobId
from trafficjobs.cli.session import Session, command
from trafficjobs.shapes import DeliveryRecord

DeliveryId = Annotated[str, typer.Argument(metavar="DELIVERY", help="Its id; `deliveries` shows them.")]
_COLUMNS = ("DELIVERY", "TO", "EVENT", "STATE", "ATTEMPTS", "LAST", "NEXT")


def add_to(app: typer.Typer) -> None:
    """Make them commands of `app`."""
    command(app)(deliveries)
    command(app)(resend)


def deliveries(session: Session, id: JobId) -> None:
    """List the webhooks and e-mails about the end of a job."""
    found = session.client.job(id).deliveries()
    show(session, found)


def show(session: Session, found: list[DeliveryRecord]) -> None:
    """Deliveries in a table."""
    none = "Nobody was told: it has not ended, or was submitted without --notify."
    session.show({"deliveries": found}, lambda: output.table(_COLUMNS, map(_row, found), none))


def _row(one: DeliveryRecord) -> list[Any]:
    last = one["attempts"][-1] if one["attempts"] else {}
    said = last.get("error") or last.get("status")
    to = one.get("webhook") or one.get("email")
    return [one["id"], to, one["event"], one["state"], len(one["attempts"]), said, one["next"]]


def resend(
    session: Session,
    id: JobId,
    delivery: DeliveryId,
) -> None:
    """Send a delivery again, or now instead of later. The receiver sees the same id as before."""
    sent(session, session.client.job(id).resend(delivery))


def sent(session: Session, found: DeliveryRecord) -> None:
    """A delivery that is sent again."""
    session.show(found, lambda: output.say(f"{found['id']} is sent soon"))
