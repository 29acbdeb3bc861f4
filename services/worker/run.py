"""One run of one job inside a child: finds the operation, gives it the data and a context, and makes its outcome.

Whatever the operation raises becomes an outcome; nothing escapes but `SetAside`. Progress, log lines and files reach
Redis under the claim's token and are dropped when that no longer holds.
"""

import contextlib
import io
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import orjson
import redis

from lib.claims import LOG_LINE_BYTES, LOG_LINES_KEPT
from lib.context import Content, JobInfo, made, running
from lib.dataset import Dataset
from lib.errors import InvalidInput, JobsError, NoData, StaleClaim, StoreUnavailable
from lib.fingerprints import fingerprint, raised
from lib.foreign import UNREADABLE
from lib.jobs import Claim, Jobs, Outcome, complete, failed
from lib.jsonable import jsonable
from lib.logs import lines_of
from lib.memory import at_most
from lib.operations import Catalog, Operation, run
from lib.records import RECORD_VERSION
from lib.settings import Settings
from lib.versions import DatasetStore
from services.worker.paced import Paced, rested

logger = logging.getLogger("trafficjobs.worker")
_PAUSE = 0.1  # seconds between two writes of what a job says
_NOTHING = object()
_AWAY = (StoreUnavailable, redis.exceptions.NoPermissionError)  # a right may be in change: what is said waits for either


class SetAside(Exception):
    """This worker cannot run the job; another version may."""


class LiveContext:
    """What an operation says goes to the job's record. Implements `lib.context.Context`.

    What Redis does not take now is kept for the next time, lines as many as a log has: the operation itself goes on.
    """

    def __init__(self, claim: Claim, jobs: Jobs, versions: DatasetStore) -> None:
        self._claim, self._jobs, self._versions = claim, jobs, versions
        self._lines: deque[str] = deque(maxlen=LOG_LINES_KEPT)
        self._sending: tuple[list[str], str] | None = None  # lines that Redis may not have heard, and the name of their call
        self._step: tuple[float, float | None, str] | None = None
        self._shown: tuple[float, float | None, str] | None = None
        self._part: Any = _NOTHING  # shown as soon as the last one is old enough
        self._next_part = float("-inf")
        self._patience: float | None = 0
        self._said = Paced(self._write, _PAUSE)

    def progress(self, done: float, total: float | None, note: str) -> None:
        self._step = (done, total, note)
        self._said.soon()
        self._show_part()

    def partial(self, value: Any) -> None:
        self._part = value
        self._show_part()

    def _show_part(self) -> None:
        """By the operation's own thread alone: it may go on changing the value it has given."""
        began = time.monotonic()
        if self._part is _NOTHING or began < self._next_part:
            return
        value, self._part, self._next_part = self._part, _NOTHING, began + _PAUSE
        try:
            self._jobs.partial(self._claim, orjson.dumps(jsonable(value, "partial")), patience=0)
        except StaleClaim:
            raise
        except _AWAY:
            self._part, self._next_part = value, rested(began, _PAUSE)
        except (JobsError, TypeError) as error:
            self.log(str(error))

    def log(self, message: str) -> None:
        self._show_part()
        self._lines.extend(line[:LOG_LINE_BYTES] for line in message.splitlines() or [""])
        self._said.soon()

    def _write(self) -> bool:
        """Write what has gathered; False where Redis is away, which a patient caller waits for."""
        try:
            step = self._step
            if step is not None and step is not self._shown:
                self._jobs.progress(self._claim, *step, patience=self._patience)
                self._shown = step
            for _ in range(2):  # those that were not heard, under the same name, and those that came since
                if self._sending is None and self._lines:
                    self._sending = [self._lines.popleft() for _ in range(len(self._lines))], secrets.token_hex(4)
                if self._sending is not None:
                    self._jobs.append_log(self._claim, *self._sending, patience=self._patience)
                    self._sending = None
        except _AWAY:
            if self._patience == 0:
                return False
            raise
        return True

    def end(self) -> None:
        """Write the lines that have gathered, as patient as the store is; of progress nobody asks any more."""
        self._step = None
        self._patience = None
        self._said.end()

    def save_file(self, name: str, data: Content, content_type: str) -> None:
        self._jobs.stage_file(self._claim, name, made(data), content_type)

    def job(self) -> JobInfo:
        return JobInfo(self._claim.id, self._claim.attempt, self._claim.token)

    def store(self) -> DatasetStore:
        return self._versions

    def parents(self) -> dict[str, dict[str, Any]]:
        found = self._jobs.get_many(self._jobs.get(self._claim.id).depends_on)
        return {each.id: {"status": each.status, "result": each.result} for each in found if each is not None}


class _LogWriter(io.TextIOBase):
    """What an operation prints becomes log lines of its job."""

    def __init__(self, context: LiveContext) -> None:
        self._context = context
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        lines, self._rest = lines_of(self._rest + text, LOG_LINE_BYTES)
        for line in lines:
            self._context.log(line)
        return len(text)

    def end(self) -> None:
        """Write a last line without its newline."""
        if self._rest:
            self._context.log(self._rest)
            self._rest = ""


def run_job(claim: Claim, jobs: Jobs, catalog: Catalog, dataset: Dataset, over: Callable[[], None]) -> Outcome:
    """Run a claimed job. Raises SetAside where this worker lacks the operation or the record is newer than it.

    Args:
        over: called as soon as the operation has ended: what is left to say may wait for Redis.
    """
    if claim.version > RECORD_VERSION or (claim.operation not in catalog and not claim.adopted):
        raise SetAside
    if claim.operation not in catalog:
        over()
        message = "Unknown job type."
        if claim.operation == UNREADABLE and isinstance(claim.input, dict) and "error" in claim.input:
            message = str(claim.input["error"])
        return failed({"type": "UnknownOperation", "message": message, "reason": "invalid"}, may_retry=False)
    operation = catalog.get(claim.operation)
    context = LiveContext(claim, jobs, dataset.store)
    writer = _LogWriter(context)
    try:
        try:
            with (
                at_most(allowed_bytes(operation, jobs.settings)),
                running(context),
                contextlib.redirect_stdout(writer),
            ):
                frame = dataset.frame(claim.data_version or None)[0] if operation.needs_data else None
                result = run(operation, claim.params, frame)
        finally:
            over()
        payload = orjson.dumps(result)
    except StaleClaim:
        return failed({"type": "StaleClaim", "message": "Given to another worker.", "reason": "stale"})
    except BaseException as error:  # SystemExit of an operation must not end the child
        outcome = _failure(error, operation, jobs)
    else:
        limit = jobs.settings.max_result_bytes
        outcome = complete(payload)
        if len(payload) > limit:
            message = f"The result has {len(payload)} bytes, more than MAX_RESULT_BYTES ({limit}); save it as a file instead."
            outcome = failed({"type": "ResultTooLarge", "message": message, "reason": "invalid"}, may_retry=False)
    try:
        writer.end()
        context.end()
    except Exception as error:  # the run has its outcome, whatever becomes of its last words
        logger.warning("log lines of job %s were dropped: %s", claim.id, error)
    return outcome


def _failure(error: BaseException, operation: Operation, jobs: Jobs) -> Outcome:
    details = raised(error)
    if isinstance(error, InvalidInput | NoData):  # nothing is wrong with the code, so its traceback is of no use
        return failed({name: details[name] for name in ("type", "message")} | {"reason": "invalid"}, may_retry=False)
    if isinstance(error, MemoryError):
        return failed(details | {"message": _memory_message(operation, jobs.settings), "reason": "memory"})
    return failed(details | {"reason": "exception", "fingerprint": fingerprint(operation.name, error)})


def allowed_bytes(operation: Operation, settings: Settings) -> int:
    """What a run of it may allocate: its own limit, within the worker's, which keeps the pod alive; 0 for any."""
    return min(filter(None, (operation.memory_limit, settings.memory_limit)), default=0)


def _memory_message(operation: Operation, settings: Settings) -> str:
    limit = allowed_bytes(operation, settings)
    if not limit:
        return f"The operation {operation.name} ran out of memory; no memory limit was set."
    if limit == operation.memory_limit:
        remedy = f"its memory limit of {limit / 2**20:.0f} MiB: give its @operation a larger memory_limit"
    else:
        remedy = f"the worker's memory limit of {limit / 2**20:.0f} MiB: raise MEMORY_LIMIT (in the chart worker.memoryPerJob)"
    return f"The operation {operation.name} reached {remedy}, or have it take less data at once."
