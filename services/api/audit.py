"""The audit trail: who did what to what, and how it ended.

Every request that would change something leaves a line of the logger `trafficjobs.audit`, refused ones as well. What was done
stands in the stream of events, too: the scripts say who asked for the move of a job; all else is noted here, after its success.
"""

import logging

from flask import Flask, Response, current_app, g, request

from lib.errors import JobsError
from services.api.backend import backend
from services.api.contract import READING, contract_of
from services.api.tokens import Caller

logger = logging.getLogger("trafficjobs.audit")
# Their scripts write the event itself, with the name of the caller.
_MOVES = frozenset({"jobs.submit", "course.submit", "jobs.cancel", "jobs.retry", "jobs.delete"})
_LONGEST = 200  # characters of a target


def install(app: Flask) -> None:
    """Look at every answer of `app`."""
    app.after_request(_keep)


def _keep(response: Response) -> Response:
    action = request.endpoint
    contract = None if action is None else contract_of(current_app.view_functions[action])
    if request.method in READING or action is None or contract is None:
        return response
    action = contract.action or action
    caller: Caller | None = g.get("caller")
    by = "" if caller is None else caller.name
    target = "/".join(map(str, (request.view_args or {}).values())) or g.get("made", "")
    said = {"action": action, "target": target[:_LONGEST], "by": by, "role": "" if caller is None else caller.role.name.lower()}
    logger.info("audit", extra={**said, "request_id": g.request_id, "status": response.status_code})
    if response.status_code < 400 and action not in _MOVES:
        try:
            backend().jobs.note(action, said["target"], by, g.request_id)
        except JobsError as error:  # it is done all the same, and the line is written
            logger.warning("not in the events: %s", error, extra={"request_id": g.request_id})
    return response
