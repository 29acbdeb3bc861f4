"""The running side of the queue: claim, finish, and what a supervisor reports. Part of `lib.jobs.Jobs`.

A claim is fenced by a random token: whatever comes under a token that no longer holds is dropped and counted. Every
call may be sent again after a lost reply.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import redis

from lib.connections import FOREVER
from lib.errors import JobsError, StaleClaim, StoreFull
from lib.fingerprints import plain
from lib.foreign import settle
from lib.origin import NOWHERE, Origin
from lib.reading import damaged_record, iso
from lib.store import Store, text

if TYPE_CHECKING:
    from lib.operations import Catalog

LOG_LINES_KEPT, LOG_LINE_BYTES = 1_000, 4_096  # lines of a job's log, and bytes of each


@dataclass(frozen=True)
class Claim:
    """A job in the hands of one child.

    Args:
        params: of the operation, as they were submitted.
        attempt: 1 for the first claim of this run.
        timeout: seconds.
        version: of the record's form.
        adopted: "" for a job of ours, else the form in which it came (`job`, `message`, ...).
        data_version: of the dataset that was current at the claim; "" without data.
        started: Redis's time of the claim, seconds.
        origin: the request that submitted it.
    """

    id: str
    token: str
    operation: str
    input: Any
    params: dict[str, Any]
    attempt: int
    queue: str
    timeout: float
    version: int
    adopted: str
    data_version: str
    started: float
    origin: Origin = NOWHERE


@dataclass(frozen=True)
class Outcome:
    """How a run ended; made by `complete`, `failed` and `released`."""

    kind: str
    reason: str = ""
    result: bytes = b""
    error: bytes = b""
    may_retry: bool = True
    traceparent: str = ""  # of the span of this run

    def arguments(self, claim: Claim) -> list[Any]:
        """ARGV of finish."""
        return [claim.id, claim.token, self.kind, self.reason, self.result, self.error, int(self.may_retry), self.traceparent]


def complete(result: bytes) -> Outcome:
    """The job's result, a JSON text."""
    return Outcome("complete", result=result)


def failed(error: dict[str, Any], may_retry: bool = True) -> Outcome:
    """The job's error: `type`, `message`, `reason` (exception, timeout, memory, ...), perhaps `traceback` and `evidence`."""
    return Outcome("failed", error["reason"], error=orjson.dumps(error), may_retry=may_retry)


def released(reason: str) -> Outcome:
    """Not run to its end and not charged; goes back to the front of its queue."""
    return Outcome("released", reason)


class ChildClosed(JobsError):
    """This child's name was reported dead; its process must end."""


class Claiming:
    """The running side of `Jobs`. A `child` is one incarnation of one process: a name that is never used again."""

    store: Store
    catalog: "Catalog | None"

    def claim(
        self,
        child: str,
        worker: str,
        queues: Sequence[str],
        patience: float | None = None,
        messages: bool = False,
        token: str = "",
    ) -> Claim | None:
        """The next job for this child; None where there is none, and the child now stands in the idle sets.

        Foreign entries at the head of a list are adopted or moved aside on the way; with `messages`, any value on the list
        becomes a job of the operation `message` whose input it is. `token`: of a claim that was not heard.

        Raises: ChildClosed, StoreUnavailable.
        """
        token = token or new_token()
        while True:
            reply = self.store.run("claim", child, worker, token, *queues, patience=patience)
            claim, again = self._read_claim(reply, child, messages)
            if not again:
                return claim

    def finish(self, claim: Claim, outcome: Outcome, patience: float | None = None) -> None:
        """End a claim.

        Raises: StaleClaim where the job went on without it (the outcome is dropped and counted); StoreUnavailable.
        """
        if not self._counted(claim, outcome, patience):
            raise StaleClaim(f"Job {claim.id} was given to another worker; this outcome is dropped.")

    def _counted(self, claim: Claim, outcome: Outcome, patience: float | None) -> bool:
        return bool(text(self.store.run("finish", *outcome.arguments(claim), patience=patience)) != "STALE")

    def turn(
        self, claim: Claim, outcome: Outcome, child: str, worker: str, queues: Sequence[str], patience: float | None = FOREVER
    ) -> tuple[bool, Claim | None]:
        """Finish one job and claim the next in one round trip.

        Returns: whether the finish counted (False: it was stale), and the next claim or None.
        Raises: ChildClosed, StoreUnavailable.
        """
        if self.store.strict:  # the end may wait long for the disk; a job claimed with it would lose its lease
            return self._counted(claim, outcome, patience), self.claim(child, worker, queues, patience)
        ended, reply = self.store.run("turn", *outcome.arguments(claim), child, worker, new_token(), *queues, patience=patience)
        following, again = self._read_claim(reply, child)
        if again:
            following = self.claim(child, worker, queues, patience)
        return text(ended) != "STALE", following

    def _read_claim(self, reply: list[Any], child: str, messages: bool = False) -> tuple[Claim | None, bool]:
        """A reply of claim as (claim, ask again)."""
        code = text(reply[0])
        if code == "JOB":
            try:
                return _claim(reply), False
            except (ValueError, TypeError, OverflowError) as error:  # it would kill every child that claims it
                self._fail_unreadable(text(reply[1]), text(reply[2]), error)
                return None, True
        if code == "FOREIGN":
            list_key, queue, priority, entry = reply[1:]
            settle(self.store, list_key, queue, priority, entry, self.catalog, messages)
            return None, True
        if code == "CLOSED":
            raise ChildClosed(f"{child} was reported dead.")
        if code == "BUSY":
            raise JobsError(f"{child} already holds job {text(reply[1])} and must end it first.")
        return None, code == "AGAIN"

    def _fail_unreadable(self, jid: str, token: str, error: Exception) -> None:
        said = failed(damaged_record(f"the job cannot be run: {error}"), may_retry=False)
        self.store.run("finish", jid, token, said.kind, said.reason, said.result, said.error, 0, "")

    def take(self, jid: str, child: str, worker: str) -> Claim | None:
        """Claim one waiting job by its id; None where it is not waiting."""
        reply = self.store.run("take", jid, child, worker, new_token())
        return self._read_claim(reply, child)[0]

    def wait_for_bell(self, child: str, at_most: float | None = None) -> bool:
        """Wait up to `idle_wait` seconds (and `at_most`, if given) to be rung; whether it was.

        Raises: redis.ConnectionError, redis.TimeoutError.
        """
        seconds = self.store.settings.idle_wait if at_most is None else max(0.01, min(at_most, self.store.settings.idle_wait))
        try:
            return self.store.queues.blpop([f"{self.store.prefix}bell.{child}"], timeout=seconds) is not None
        except redis.ResponseError as error:
            if not str(error).startswith("UNBLOCKED"):  # Redis's word when it becomes a replica
                raise
            raise redis.ConnectionError(str(error)) from error

    def set_aside(self, claim: Claim, patience: float | None = None) -> None:
        """Lay a job aside that this worker cannot run, uncharged, until a worker that can registers."""
        self.store.run("unserve", claim.id, claim.token, patience=patience)

    def progress(self, claim: Claim, done: float, total: float | None, note: str, patience: float | None = None) -> None:
        """Show how far a running job is. Refused silently at full memory; raises StaleClaim."""
        value = {"done": done, "total": total, "note": plain(note[:500])}
        self._while_held("progress", claim, "progress", orjson.dumps(value), patience=patience)

    def partial(self, claim: Claim, value: bytes, patience: float | None = None) -> None:
        """Show what a running job has of its result, a JSON text. Refused silently at full memory.

        Raises: StaleClaim; JobsError where it is larger than a result may be.
        """
        limit = self.store.settings.max_result_bytes
        if len(value) > limit:
            raise JobsError(f"A partial result of {len(value)} bytes is larger than MAX_RESULT_BYTES ({limit}) and is not shown.")
        self._while_held("progress", claim, "partial", value, patience=patience)

    def append_log(self, claim: Claim, lines: Iterable[str], call: str = "", patience: float | None = None) -> None:
        """Append to a running job's log, once for each name of a `call`. Refused silently at full memory; raises StaleClaim."""
        args = LOG_LINES_KEPT, call or secrets.token_hex(4), *(plain(line, LOG_LINE_BYTES) for line in lines)
        self._while_held("log", claim, *args, patience=patience)

    def _while_held(self, script: str, claim: Claim, *args: Any, patience: float | None) -> None:
        try:
            held = self.store.run(script, claim.id, claim.token, *args, patience=patience)
        except StoreFull:
            return
        if not held:
            raise StaleClaim(f"Job {claim.id} was given to another worker.")

    def stage_file(self, claim: Claim, name: str, data: bytes, content_type: str) -> None:
        """Lay a file aside that finish will give to the job.

        Raises: StaleClaim; JobsError where the job's files are too large in sum.
        """
        limit = self.store.settings.max_files_bytes
        code = text(self.store.run("stage", claim.id, claim.token, name, content_type, data, limit))
        if code == "STALE":
            raise StaleClaim(f"Job {claim.id} was given to another worker.")
        if code == "LARGE":
            raise JobsError(f"The files of a job may be {limit} bytes in all (MAX_FILES_BYTES); {name} is too large.")

    def bury(
        self, child: str, mark: str, verdict: str, reason: str, detail: dict[str, Any], patience: float | None = None
    ) -> tuple[str, str] | None:
        """Report a dead child: close its name and free what it held.

        Args:
            mark: token of the job it had started, "" for none. Only that job can be charged.
            verdict: `crash` (charged, `detail` is evidence with a `summary`), `failed` (`detail` is an error) or `released`.
            reason: for released: shown in the attempt.

        Returns: the job's id and the state it went to, or None where the child held nothing.
        """
        reply = text(self.store.run("bury", child, mark, verdict, reason, orjson.dumps(detail), patience=patience))
        return (reply[1], reply[2]) if reply[0] == "FREED" else None

    def beat(
        self, worker: str, info: dict[str, Any], held: Sequence[tuple[str, str]], restarts: int = 0, patience: float = 0
    ) -> tuple[tuple[str, float] | None, list[str]]:
        """A worker's beat: it is alive, and renews the leases of `held`, pairs of (job id, token).

        Args:
            restarts: how often its nursery had to be started again so far.

        Returns: the last order to the worker as a whole and its time, None where there is none; and for each pair HELD,
        CANCEL (held, and to be stopped), ENDED (by this token) or LOST.
        """
        pairs = [part for pair in held for part in pair]
        order, ordered, *codes = text(self.store.run("beat", worker, orjson.dumps(info), restarts, *pairs, patience=patience))
        return (order, float(ordered)) if order and iso(ordered) else None, codes

    def leave(self, worker: str) -> None:
        """A worker stops."""
        self.store.run("leave", worker, 0)

    def register(self, queues: Sequence[str], record_version: int, operations: Sequence[str], most: int = 10_000) -> int:
        """Take back what was laid aside for want of these operations, of `most` jobs in each queue; the number of jobs."""
        return sum(self.store.run("serve", queue, record_version, most, *operations) for queue in queues)


def _claim(reply: list[Any]) -> Claim:
    _, jid, token, operation, given, attempt, queue, timeout, version, adopted, params, data_version, started = reply[:13]
    record_input = orjson.loads(given)
    given_params = orjson.loads(params) if params else record_input.get("params", {}) if isinstance(record_input, dict) else {}
    if not isinstance(given_params, dict) or not 0 < float(timeout) < float("inf"):
        raise ValueError("params or timeout have a wrong form")
    return Claim(
        id=text(jid),
        token=text(token),
        operation=text(operation),
        input=record_input,
        params=given_params,
        attempt=int(attempt),
        queue=text(queue),
        timeout=float(timeout),
        version=int(version),
        adopted=text(adopted),
        data_version=text(data_version),
        started=float(started),
        origin=Origin.of(dict(zip(("request_id", "traceparent"), text(reply[13:]), strict=True))),
    )


def new_token() -> str:
    """A random 128-bit fencing token."""
    return secrets.token_urlsafe(16)
