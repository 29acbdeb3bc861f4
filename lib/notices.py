"""What is told of an end: the body of a webhook, and the words of an e-mail."""

from typing import Any

import orjson

from lib.deliveries import Delivery

MOST_RESULT, MOST_FIELD = 64 * 1024, 16 * 1024  # bytes of JSON; what is larger is left out
_LIMITS = {"result": MOST_RESULT, "input": MOST_FIELD, "error": MOST_FIELD, "attempts": MOST_FIELD, "runs": MOST_FIELD}
_PLACES = {"job": "jobs", "batch": "batches"}
_TOLD = ("operation", "queue", "submitted", "created", "started", "ended", "total", "complete", "failed", "cancelled")
_CONTROLS = dict.fromkeys((*range(32), 127), " ")


def webhook(delivery: Delivery, record: dict[str, Any], public_url: str) -> bytes:
    """`{"type", "timestamp", "data"}`: the record as HTTP shows it, without `notify`, and where it is.

    What is too large is null, and `omitted` in `data` names it; the record at `url` has it.
    """
    omitted = [name for name, most in _LIMITS.items() if len(orjson.dumps(record.get(name))) > most]
    data = record | dict.fromkeys(omitted) | {"url": _url(delivery, public_url), "omitted": omitted}
    data.pop("notify", None)  # who else is told is nobody's business
    return orjson.dumps({"type": f"{delivery.kind}.{delivery.event}", "timestamp": delivery.created, "data": data})


def email(delivery: Delivery, record: dict[str, Any], public_url: str) -> tuple[str, str]:
    """Subject and text."""
    operation = record.get("operation")
    ended = {"complete": "is complete", "failed": "has failed", "cancelled": "was cancelled"}[delivery.event]
    subject = f"{operation or delivery.kind} {delivery.owner} {ended}"
    lines = [f"The {delivery.kind} {delivery.owner} {ended}.", ""]
    lines += [f"{name}: {record[name]}" for name in _TOLD if record.get(name)]
    error = record.get("error") if delivery.event == "failed" else None
    if isinstance(error, dict):
        lines += ["", f"{error.get('type')}: {error.get('message')}"[:2_000]]
    lines += ["", _url(delivery, public_url), "", "You get this because whoever submitted it named your address.", ""]
    return subject.translate(_CONTROLS)[:200], "\n".join(lines)


def _url(delivery: Delivery, public_url: str) -> str:
    return f"{public_url}/{_PLACES[delivery.kind]}/{delivery.owner}"
