"""`/doctor`: what is wrong with the service, thing by thing, each with what to do about it; `trafficjobs doctor` shows it."""

from dataclasses import asdict

from flask import Blueprint, Response

from lib.examination.examining import examine
from lib.examination.finding import worst
from lib.examination.look import Look
from services.api.backend import backend
from services.api.contract import Answer, contract
from services.api.replies import json_reply
from services.api.shapes_data import Examination
from services.api.tokens import Role
from trafficjobs import __version__

blueprint = Blueprint("doctor", __name__)


@blueprint.get("/doctor")
@contract(role=Role.ADMIN, tag="Service", answers={200: Answer("What was found, well or not.", Examination)}, redis=False)
def examination() -> Response:
    """Check Redis, rights, scripts, upkeep, workers, data, damage and orphans; 200 also where something has failed.

    It costs some hundred commands of Redis, whatever the number of jobs, and changes nothing.
    """
    found = examine(Look(backend().jobs, backend().dataset.store, __version__))
    return json_reply({"status": worst(found), "checks": [asdict(each) for each in found]})
