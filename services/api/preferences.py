"""`Prefer: wait=N` (RFC 7240): an answer may be held back until the job it is about has ended.

A preference is never a reason to refuse: where too many wait already, the answer comes at once, without Preference-Applied.
"""

import re

from flask import Response, after_this_request, request

from lib.errors import StoreUnavailable
from services.api.live import NoPlace, live

LONGEST_WAIT = 60  # seconds
_WAIT = re.compile(r'(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=$|[,;])', re.I | re.ASCII)


def wanted_wait() -> int:
    """Seconds for which this request wants to wait, at most LONGEST_WAIT; 0 where it does not."""
    match = _WAIT.search(",".join(request.headers.getlist("Prefer")))
    return min(int(match[1]), LONGEST_WAIT) if match else 0


def wait_for_end(jid: str) -> bool:
    """Wait if this request wants to, until the job has ended or the time is over; whether that was done.

    The answer then has Preference-Applied. Nothing is raised: what cannot be waited for is answered as it is.
    """
    seconds = wanted_wait()
    if not seconds:
        return False
    try:
        listener = live().listen(jid, connection=request.environ.get("gunicorn.socket"))
    except (NoPlace, StoreUnavailable):
        return False
    with listener:
        try:
            listener.await_end(seconds)
        except StoreUnavailable:
            return False
    after_this_request(lambda response: _applied(response, seconds))
    return True


def _applied(response: Response, seconds: int) -> Response:
    response.headers["Preference-Applied"] = f"wait={seconds}"
    return response
