"""The one way to run a script. Everything in lib that talks to Redis gets a `Store`.

A script whose reply was lost is sent again by our own loop, never by redis-py: every script answers a second sending as
it answered the first. When Redis stays away longer than the caller's patience, `StoreUnavailable` is raised and nothing
is known to be written. Who tries for ever outlasts refusals, too: of the login, of a right, and a disk that does not confirm.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis

from lib.connections import FOREVER, connect
from lib.durable import STRICT_SCRIPTS, GroupCommit, NotConfirmed
from lib.errors import StoreFull, StoreUnavailable
from lib.scripts import Script, compose
from lib.settings import Settings
from lib.wire import Wire

logger = logging.getLogger("trafficjobs.store")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0  # seconds between two tries
_RAISE = object()
_GATE_LOOK = 0.5  # seconds between two looks whether a restore is being put in place; restore_begin.lua gives twice as long
_RESTORING = "A restore is being put in place; try again when it is over."
_SAY_AGAIN = 60.0  # seconds between two warnings of one that tries for ever
_WITHOUT_FUNCTIONS = 30.0  # seconds for which scripts are sent as such where they are no functions (yet)
# Answers of a server that is there but cannot serve yet; worth another try, as a lost connection is.
_PASSING = (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError, redis.exceptions.ReadOnlyError)


def text(value: Any) -> Any:
    """Bytes of a reply as str, in lists too; what is no UTF-8 is replaced."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [text(item) for item in value] if isinstance(value, list) else value


def members_of(command: Callable[..., Any], key: str, most: int) -> Iterator[tuple[bytes, float]]:
    """Members of a sorted set with their scores, `most` a call; by score, so that the set may change meanwhile.

    Where several have one score, none is passed over at the seam of two calls, unless it has as many as a call reads.

    Args:
        command: sends one command: called with its name as redis-py has it, and its arguments.
    """
    low, seen = "-inf", frozenset[bytes]()
    while True:
        chunk = command("zrangebyscore", key, low, "+inf", 0, most, withscores=True)
        yield from ((member, score) for member, score in chunk if member not in seen)
        if len(chunk) < most:
            return
        last = chunk[-1][1]
        whole = chunk[0][1] == last  # nothing but this score: what is left of it would be read for ever
        low, seen = f"({last!r}" if whole else repr(last), frozenset(member for member, score in chunk if score == last)


def _is_no_function(error: redis.ResponseError) -> bool:
    """Whether the server has none of that name, may not call it for us, or knows no functions at all: then nothing was done."""
    absent = str(error).startswith(("Function not found", "unknown command"))
    return absent or isinstance(error, redis.exceptions.NoPermissionError)


class Store:
    """Clients for both databases and the composed scripts of one release.

    Args:
        settings: where Redis is and how keys are named.
        patience: seconds for which a script is tried again while Redis is away, by default.
        blocking: seconds a blocking command on the queue client may block; its socket timeout is 5 s more.
        gated: refuse everything while a restore is being put in place; False for the restore itself.
    """

    def __init__(self, settings: Settings, patience: float = 3.0, blocking: float = 0.0, gated: bool = True) -> None:
        self.settings = settings
        self.patience = patience
        self.prefix = settings.key_prefix
        self.records = connect(settings, settings.redis_db)
        self.queues = connect(settings, settings.queue_db, socket_timeout=blocking + settings.redis_timeout)
        self._scripts: dict[str, Script] = {}
        self._route = self.prefix + "jobs"
        strict = settings.durability == "strict"
        self._commit = GroupCommit(self.queues, settings.redis_timeout, settings.strict_replicas) if strict else None
        self._lock = threading.Lock()
        self._wire = Wire(self.queues)
        self._gated = gated
        self._restoring, self._looked = False, float("-inf")
        self._no_functions_before = float("-inf")
        self._warned = float("-inf")

    def script(self, name: str) -> Script:
        """The composed script of that name."""
        found = self._scripts.get(name)
        if found is None:
            with self._lock:
                found = self._scripts.setdefault(name, compose(name, self.settings))
        return found

    def run(self, name: str, *args: Any, patience: float | None = None) -> Any:
        """Run a script with `args` as its ARGV and return its reply (bytes, ints, lists).

        Raises:
            StoreFull: Redis refused it at its memory limit.
            StoreUnavailable: no answer within `patience` seconds (by default the store's), or the disk is full.
        """
        script = self.script(name)
        return self.persist(lambda: self._send(script, args), self.patience if patience is None else patience)

    def read(self, action: Callable[[redis.Redis], Any], otherwise: Any = _RAISE) -> Any:
        """Run plain reads on the records' database under the same patience and errors as a script.

        Args:
            otherwise: the answer where another program has put something of another type under the key.
        """
        try:
            return self.persist(lambda: action(self.records), self.patience)
        except redis.ResponseError as error:
            if otherwise is _RAISE or "WRONGTYPE" not in str(error):
                raise
            return otherwise

    def read_each(self, ask: Callable[[Any], None]) -> list[Any]:
        """As `read`, of many keys in one round trip: `ask` puts the commands into a pipeline.

        None is the answer of each whose key holds something of another type, which another program has put there.
        """

        def action(records: redis.Redis) -> list[Any]:
            pipeline = records.pipeline(transaction=False)
            ask(pipeline)
            answers: list[Any] = pipeline.execute(raise_on_error=False)
            for place, answer in enumerate(answers):
                if isinstance(answer, Exception):
                    if "WRONGTYPE" not in str(answer):
                        raise answer
                    answers[place] = None
            return answers

        found: list[Any] = self.read(action)
        return found

    def look(self, action: Callable[[redis.Redis], Any]) -> Any:
        """As `read`, on the queues' database."""
        return self.persist(lambda: action(self.queues), self.patience)

    def persist(self, action: Callable[[], Any], patience: float) -> Any:
        """Call `action` until it answers or `patience` seconds are over, with growing pauses."""
        give_up = time.monotonic() + patience
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            try:
                if self.restoring():
                    raise redis.ResponseError("RESTORING")
                return action()
            except (NotConfirmed, redis.ConnectionError, redis.TimeoutError, redis.ResponseError) as error:
                found = self._unavailable(error, patience == FOREVER)
                now = time.monotonic()
                # The next wait for the disk may take as long as this one did.
                if now + pause + (now - began if isinstance(error, NotConfirmed) else 0) > give_up:
                    raise found from error
            time.sleep(pause * random.uniform(0.7, 1.3))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _unavailable(self, error: Exception, endless: bool) -> StoreUnavailable:
        """What is raised once patience is over; raises at once what another try cannot mend."""
        if isinstance(error, redis.exceptions.OutOfMemoryError):
            raise StoreFull from error
        refusal = self._refusal(error)
        if refusal is not None:
            if endless:  # a password may be in change, a replica about to come back
                self._warn(str(refusal))
            elif isinstance(error, redis.exceptions.NoPermissionError):
                raise error
            elif not isinstance(error, NotConfirmed):
                raise refusal from error
            return refusal
        if isinstance(error, _PASSING):
            return StoreUnavailable(f"Redis does not answer: {error}")
        if str(error).startswith("RESTORING"):
            self._restoring = self._gated
            return StoreUnavailable(_RESTORING)
        if str(error).startswith(("MISCONF", "NOREPLICAS", "MASTERDOWN", "BUSY ")):
            return StoreUnavailable(f"Redis cannot write: {error}")
        raise error

    @staticmethod
    def _refusal(error: Exception) -> StoreUnavailable | None:
        """What an operator must hear of, with what to do about it."""
        why = str(error).rstrip(".")
        if isinstance(error, NotConfirmed):
            return StoreUnavailable(str(error))
        if isinstance(error, redis.exceptions.AuthenticationError):
            return StoreUnavailable(f"Redis refused the login: {why}. Check REDIS_USERNAME and REDIS_PASSWORD.")
        if isinstance(error, redis.exceptions.NoPermissionError):
            remedy = "Allow it in the ACL rule of REDIS_USERNAME; `trafficjobs doctor` names all that is missing."
            return StoreUnavailable(f"Redis refused a right: {why}. {remedy}")
        return None

    def _warn(self, why: str) -> None:
        """Say why a caller that tries for ever hangs; now and then, as long as it does."""
        if time.monotonic() - self._warned >= _SAY_AGAIN:
            self._warned = time.monotonic()
            logger.warning("Trying until Redis takes it. %s", why)

    @property
    def strict(self) -> bool:
        """Whether what a script promises is on disk before it answers."""
        return self._commit is not None

    def restoring(self) -> bool:
        """Whether a restore is being put in place. Scripts see that themselves, plain commands do not."""
        if self._gated and time.monotonic() - self._looked >= _GATE_LOOK:
            self._restoring = bool(self.queues.exists(f"{self.prefix}restoring"))
            self._looked = time.monotonic()
        return self._restoring

    def _send(self, script: Script, args: tuple[Any, ...]) -> Any:
        if self._commit is not None and script.name in STRICT_SCRIPTS:
            return self._commit.run(script, self._route, args)
        if script.function and time.monotonic() >= self._no_functions_before:
            try:
                return self._wire.execute("FCALL", script.function, 1, self._route, *args)
            except redis.ResponseError as error:
                if not _is_no_function(error):
                    raise
                self._no_functions_before = time.monotonic() + _WITHOUT_FUNCTIONS
        try:
            return self._wire.execute("EVALSHA", script.sha, 1, self._route, *args)
        except redis.exceptions.NoScriptError:
            # EVAL and not SCRIPT LOAD: at full memory the script's own flags decide.
            return self._wire.execute("EVAL", script.text, 1, self._route, *args)

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()
        self.records.close()
        self.queues.close()
