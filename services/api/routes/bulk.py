"""`/bulk`: cancel, retry or delete chosen jobs, many at once. What is refused of one holds up no other."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, g

from lib.bulk import Action
from lib.errors import unknown_job
from services.api import kinds
from services.api.auth import caller_name, check_owner
from services.api.backend import backend
from services.api.body import body_of
from services.api.contract import Answer, Body, contract
from services.api.problems import Problem, told
from services.api.replies import json_reply
from services.api.shapes_bulk import IdsBody, Outcomes
from services.api.tokens import Role

blueprint = Blueprint("bulk", __name__)

_EACH = Answer("What became of each job.", Outcomes)
_PROBLEMS = (kinds.INVALID_JSON, kinds.INVALID_INPUT)


@blueprint.post("/bulk/cancel")
@contract(role=Role.SUBMIT, tag="Jobs", body=Body(IdsBody), answers={200: _EACH}, problems=_PROBLEMS)
def cancel() -> Response:
    """Cancel each of some jobs; one that was cancelled before stays so."""
    return _reply("cancel")


@blueprint.post("/bulk/retry")
@contract(role=Role.SUBMIT, tag="Jobs", body=Body(IdsBody), answers={200: _EACH}, problems=_PROBLEMS)
def retry() -> Response:
    """Run each of some jobs again that have failed or were cancelled."""
    return _reply("retry")


@blueprint.post("/bulk/delete")
@contract(role=Role.SUBMIT, tag="Jobs", body=Body(IdsBody), answers={200: _EACH}, problems=_PROBLEMS)
def delete() -> Response:
    """Delete each of some jobs, with its log and files; one that runs is refused."""
    return _reply("delete")


def change_each(action: Action, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Cancel, retry or delete each of some jobs for this request's caller; `{"id", "outcome"}` or `{"id", "problem"}` of each."""
    g.made = ",".join(ids)  # for the audit trail
    heads = backend().jobs.heads(ids)
    outcomes: dict[str, str | Exception] = {}
    for jid, head in list(heads.items()):
        try:
            check_owner(head.by, f"Job {jid}")
        except Problem as problem:
            outcomes[jid] = problem
            del heads[jid]
    outcomes |= backend().jobs.each(action, heads, caller_name() or "")
    answers = []
    for jid in dict.fromkeys(ids):
        outcome = outcomes.get(jid) or unknown_job(jid)
        answers.append({"id": jid} | ({"outcome": outcome} if isinstance(outcome, str) else {"problem": told(outcome)}))
    return answers


def _reply(action: Action) -> Response:
    answers = change_each(action, body_of(IdsBody).ids)
    done = sum("outcome" in answer for answer in answers)
    return json_reply({"jobs": answers, "done": done, "refused": len(answers) - done})
