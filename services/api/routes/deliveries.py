"""`/jobs/<id>/deliveries`: who was told of the end of a job, what they answered, and telling them again."""

from flask import Blueprint, Response

from services.api import kinds
from services.api.backend import backend
from services.api.contract import Answer, contract
from services.api.replies import json_reply
from services.api.routes.jobs import OF_A_JOB, find_job, own_job
from services.api.shapes_deliveries import Deliveries, DeliveryRecord
from services.api.tokens import Role

blueprint = Blueprint("deliveries", __name__)


@blueprint.get("/jobs/<jid>/deliveries")
@contract(
    role=Role.VIEW,
    tag="Notifications",
    answers={200: Answer("The last 50.", Deliveries)},
    problems=OF_A_JOB,
    validated=True,
)
def index(jid: str) -> Response:
    """Webhooks and e-mails about the end of a job, with every attempt. Empty until it ends."""
    found = backend().jobs.deliveries("job", find_job(jid).id)
    return json_reply({"deliveries": [each.to_dict() for each in found]})


@blueprint.post("/jobs/<jid>/deliveries/<delivery>/resend")
@contract(
    role=Role.SUBMIT,
    tag="Notifications",
    answers={202: Answer("It is sent soon.", DeliveryRecord)},
    problems=(*OF_A_JOB, kinds.NOT_FOUND),
)
def resend(jid: str, delivery: str) -> Response:
    """Tell somebody again, or now instead of later. The receiver sees the same id as before."""
    return json_reply(backend().jobs.resend("job", own_job(jid).id, delivery).to_dict(), 202)
