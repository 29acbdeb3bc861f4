"""`GET /backup` and `POST /restore`: a file of all that the release holds, and the way back. Both are read and written in parts.

A backup that breaks off ends the answer without its end, which every client notices. A restore whose process dies is finished by
upkeep once it has begun to change something, and has changed nothing before.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime

from flask import Blueprint, Response, request

from lib.backup.restoring import restore as put_in_place
from lib.backup.taking import Taking
from lib.errors import Conflict
from lib.store import Store
from services.api import kinds
from services.api.auth import caller_name
from services.api.backend import backend
from services.api.body import Body as Received
from services.api.body import query
from services.api.contract import Answer, Body, contract
from services.api.problems import Problem
from services.api.queries import RestoreQuery
from services.api.replies import json_reply
from services.api.shapes_data import RestoredRelease
from services.api.tokens import Role
from trafficjobs import __version__

blueprint = Blueprint("backup", __name__)
logger = logging.getLogger("trafficjobs.audit")

GZIP = "application/gzip"
_PATIENCE = 10.0  # seconds for which Redis may be away in the middle
_turn = threading.Lock()  # one at a time in each process: it holds a thread for as long as it takes


@blueprint.get("/backup")
@contract(
    role=Role.ADMIN,
    tag="Service",
    answers={200: Answer("The file, made while it is sent.", bytes, media=(GZIP,))},
    problems=(kinds.CONFLICT,),
)
def take() -> Response:
    """Back up all that the release holds, as it stands at one moment, while it runs.

    A gzip stream with jobs, files, logs, schedules, batches, the data and the history. What breaks off in the middle has no end,
    and is refused by a restore.
    """
    if not _turn.acquire(blocking=False):
        raise Conflict("This process makes a backup already; try again when it is done.")
    store = Store(backend().settings, patience=_PATIENCE)
    try:
        pieces = Taking(store, __version__).pieces()
        first = next(pieces)  # whatever refuses it does so before the answer begins
    except BaseException:
        store.close()
        _turn.release()
        raise
    done = False

    def end() -> None:
        nonlocal done
        if not done:
            done = True
            store.close()
            _turn.release()

    logger.info("a backup is made", extra={"action": "backup.take", "by": caller_name() or ""})

    def body() -> Iterator[bytes]:
        try:
            yield first
            yield from pieces
        finally:
            end()

    name = f"trafficjobs-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup"
    answer = Response(body(), mimetype=GZIP, headers={"Content-Disposition": f'attachment; filename="{name}"'})
    answer.call_on_close(end)  # also where nobody has begun to read
    return answer


@blueprint.post("/restore")
@contract(
    role=Role.ADMIN,
    tag="Service",
    query=RestoreQuery,
    body=Body(media=(GZIP, "application/octet-stream")),
    answers={200: Answer("All of it is in place.", RestoredRelease)},
    problems=(
        kinds.INVALID_INPUT,
        kinds.BAD_REQUEST,
        kinds.CONFLICT,
        kinds.ENCODED_BODY,
        kinds.UNREADABLE_BACKUP,
        kinds.STORE_FULL,
    ),
)
def restore() -> Response:
    """Restore a backup into an empty release, or with `replace` into any.

    The file is taken in whole before anything is changed. Then the service answers 503 until all of it is in place. Jobs that
    were running at the moment of the backup run again.
    """
    if request.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
        raise Problem(kinds.ENCODED_BODY, "The body has a Content-Encoding. Send the backup as it is.")
    asked = query(RestoreQuery)
    request.max_content_length = None  # it is bounded by what fits into Redis
    with closing(Store(backend().settings, patience=_PATIENCE, gated=False)) as store:
        done = put_in_place(store, iter(Received().read, b""), asked.replace, caller_name() or "")
    return json_reply(asdict(done))
