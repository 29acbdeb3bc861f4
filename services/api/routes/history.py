"""`/history`: rates, times and depths of the last hour, day or week, for charts without a Prometheus."""

from dataclasses import asdict

from flask import Blueprint, Response

from lib.reading import iso
from services.api.backend import backend
from services.api.body import query
from services.api.contract import Answer, contract
from services.api.kinds import INVALID_INPUT
from services.api.queries import HistoryQuery
from services.api.replies import json_reply
from services.api.shapes_history import History
from services.api.tokens import Role

blueprint = Blueprint("history", __name__)


@blueprint.get("/history")
@contract(
    role=Role.VIEW,
    tag="Queues",
    query=HistoryQuery,
    answers={200: Answer("One point for every 10 seconds of an hour, 5 minutes of a day, 30 minutes of a week.", History)},
    problems=(INVALID_INPUT,),
)
def index() -> Response:
    """How fast jobs came and ended, how long they waited and ran, and what stood where, over time.

    A stretch in which upkeep was away is one long point; one in which Redis lost counts is left out.
    """
    points = backend().jobs.history(query(HistoryQuery).seconds)
    return json_reply({"points": [asdict(point) | {"start": iso(point.start)} for point in points]})
