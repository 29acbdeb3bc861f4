"""Strict durability: a script's caller hears of it only once its writes are on disk. Used by Store when
DURABILITY=strict (Redis 7.2+, Valkey 8+).

EVALSHA and WAITAOF go out in one pipeline on one connection, because WAITAOF confirms only what its own connection
wrote. It costs about 100 ms under appendfsync everysec, so callers that come meanwhile share the next pipeline. What is
not confirmed is the caller's to send again.
"""

import threading
from typing import Any

import redis

from lib.errors import StoreUnavailable
from lib.scripts import Script

# Scripts whose answer is a promise. Each writes something also when it is sent again, so that the wait is a real one.
# No `turn`: see Claiming.turn.
STRICT_SCRIPTS = frozenset({"submit", "open_batch", "finish", "retry", "retry_failed", "retry_many", "each"})
_WAIT_MS = 3_000
_INTERRUPTED = "The thread that had sent it was interrupted before Redis answered; it may be sent again."


class NotConfirmed(StoreUnavailable):
    """The script may have run, but is not known to be on disk; sent again, it answers as before and waits for the disk."""


class _Call:
    def __init__(self, script: Script, route: str, args: tuple[Any, ...]) -> None:
        self.script, self.route, self.args = script, route, args
        self.reply: Any = None
        self.error: Exception | None = NotConfirmed(_INTERRUPTED)  # until there is an answer
        self.done = False


class GroupCommit:
    """Runs scripts of concurrent threads in shared pipelines, each followed by one WAITAOF.

    Args:
        client: on the database in which scripts run.
        timeout: seconds without an answer after which the connection counts as lost.
        replicas: how many replicas must have it on disk, too.
    """

    def __init__(self, client: redis.Redis, timeout: float, replicas: int = 0) -> None:
        self._client = client
        self._replicas = replicas
        self._wait_ms = min(_WAIT_MS, int(timeout * 800))
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._waiting: list[_Call] = []

    def run(self, script: Script, route: str, args: tuple[Any, ...]) -> Any:
        """The script's reply, once it is on disk.

        Raises:
            NotConfirmed: the disk did not confirm in time; the script may have run and may be sent again.
        """
        call = _Call(script, route, args)
        with self._guard:
            self._waiting.append(call)
        with self._turn:
            if not call.done:
                with self._guard:
                    batch, self._waiting = self._waiting, []
                self._send(batch)
        if call.error is not None:
            raise call.error
        return call.reply

    def _send(self, batch: list[_Call]) -> None:
        try:
            self._pipeline(batch, by_sha=True)
            missing = [call for call in batch if isinstance(call.error, redis.exceptions.NoScriptError)]
            if missing:
                self._pipeline(missing, by_sha=False)
        finally:
            for call in batch:
                call.done = True

    def _pipeline(self, batch: list[_Call], by_sha: bool) -> None:
        """Send the calls and the wait; each call has its reply or its error afterwards."""
        pipeline: Any = self._client.pipeline(transaction=False)
        for call in batch:
            call.error = NotConfirmed(_INTERRUPTED)
            command, code = ("EVALSHA", call.script.sha) if by_sha else ("EVAL", call.script.text)
            pipeline.execute_command(command, code, 1, call.route, *call.args)
        pipeline.execute_command("WAITAOF", 1, self._replicas, self._wait_ms)
        try:
            *replies, on_disk = pipeline.execute(raise_on_error=False)
        except Exception as error:
            for call in batch:
                call.error = error
            return
        except BaseException:  # a signal's exception: replies are still to come
            self._client.connection_pool.disconnect(inuse_connections=False)
            raise
        if any(isinstance(reply, redis.exceptions.ReadOnlyError) for reply in replies):
            # A master no more; the address may lead to another one by now.
            self._client.connection_pool.disconnect(inuse_connections=False)
        missed = self._missed(on_disk)
        for call, reply in zip(batch, replies, strict=True):
            call.reply = reply
            if isinstance(reply, Exception):  # nothing that the disk could confirm
                call.error = reply
            else:
                call.error = NotConfirmed(missed) if missed else None

    def _missed(self, on_disk: Any) -> str:
        """What WAITAOF's answer leaves open, in a sentence; "" where all have the write on disk."""
        if isinstance(on_disk, Exception):
            return f"DURABILITY=strict needs WAITAOF (Redis 7.2 or newer, appendonly yes): {on_disk}"
        if on_disk[0] < 1:
            return "Redis did not confirm within time that the write is on disk; it may be sent again."
        if on_disk[1] < self._replicas:
            return (
                f"Only {on_disk[1]} of STRICT_REPLICAS={self._replicas} replicas confirmed that the write is on disk;"
                " it may be sent again."
            )
        return ""
