"""HotQueue's face on the reliable queue: `put`, `get`, `consume`, `worker`, `clear` and `len` as the package has them.

A program written for `hotqueue.HotQueue` runs on it with only the import changed. What differs: an item that was taken
and not yet worked off comes back when its consumer is killed, and nothing is ever unpickled by running it.
Interface: hotqueue 0.2.8.
"""

import functools
import logging
import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from lib.claims import Claim
from lib.consumer import Consumer
from lib.engine import Jobs
from lib.errors import InvalidInput
from lib.foreign import MESSAGE
from lib.settings import Settings, load_settings
from lib.store import Store
from lib.unpickle import UnreadableEntry, plain_value

logger = logging.getLogger("trafficjobs.consumer")

# Arguments of redis.Redis that HotQueue's callers pass, and the setting that each is.
_ARGUMENTS = {
    **{"host": "redis_ip", "port": "redis_port", "db": "queue_db"},
    **{"username": "redis_username", "password": "redis_password"},
}


def settings_with(redis_arguments: Mapping[str, Any]) -> Settings:
    """The environment's settings, with what a caller of HotQueue gave as arguments of `redis.Redis`."""
    given = {_ARGUMENTS[name]: value for name, value in redis_arguments.items() if value is not None and name in _ARGUMENTS}
    if given.keys() & {"redis_ip", "redis_port"}:  # which the environment's other ways to a server would win over
        given |= {"redis_url": None, "redis_sentinels": [], "redis_cluster": []}
    return load_settings(**given)


class Serializer(Protocol):
    """What `pickle` and `json` have in common; only `dumps` is used."""

    def dumps(self, value: Any) -> bytes | str: ...


class HotQueue:
    """A queue of messages and job ids in one Redis list.

    Args:
        name: of the queue; the list is `hotqueue:<name>`.
        serializer: writes items (`pickle`, `json`), or None for items that are bytes or str already, which `get` then
            returns as bytes. Reading understands every form whatever is set here.
        host, port, db, username, password: as `redis.Redis` takes them; the environment's by default. Others are ignored.
            With host or port it is that server, whatever REDIS_URL, sentinels or a cluster say; a login needs them where
            REDIS_URL is set.
    """

    def __init__(self, name: str, serializer: Serializer | None = pickle, **redis_arguments: Any) -> None:
        settings = settings_with(redis_arguments)
        if name not in settings.all_queues:
            settings = load_settings(**settings.model_dump() | {"adopt_queues": [*settings.adopt_queues, name]})
        self._setup(name, serializer, settings)

    @classmethod
    def of(cls, settings: Settings, name: str) -> "HotQueue":
        """The face of a configured queue."""
        queue = cls.__new__(cls)
        queue._setup(name, pickle, settings)
        return queue

    def _setup(self, name: str, serializer: Serializer | None, settings: Settings) -> None:
        self.name = name
        self.serializer = serializer
        self.jobs = Jobs(settings, store=Store(settings, blocking=settings.idle_wait))
        self.consumer = Consumer(self.jobs, [name])

    @property
    def key(self) -> str:
        """The Redis key of the list."""
        prefix = "" if self.name in self.jobs.settings.adopt_queues else self.jobs.settings.key_prefix
        return f"hotqueue:{prefix}{self.name}"

    def put(self, *messages: Any) -> None:
        """Append items: job ids, or plain values (str, numbers, None, lists, dicts).

        Raises: InvalidInput for anything else, which no consumer could read without running it.
        """
        self.jobs.store.queues.rpush(self.key, *map(self._encode, messages))

    def _encode(self, message: Any) -> bytes | str:
        if self.serializer is None:
            return message if isinstance(message, bytes | str) else str(message)
        try:
            plain_value(message)
            return self.serializer.dumps(message)
        except (UnreadableEntry, TypeError) as error:
            raise InvalidInput("message", f"must be plain data (str, numbers, None, lists, dicts): {error}") from None

    def get(self, block: bool = False, timeout: float | None = None) -> Any:
        """Take the next item; None where there is none. It counts as worked off at this thread's next `get`, or at exit.

        Raises: StoreUnavailable where Redis is away: without `block` at once, else after `timeout` seconds, or never without.
        """
        claim = self.consumer.next(block, timeout)
        return None if claim is None else self._item(claim)

    def _item(self, claim: Claim) -> Any:
        item = claim.input if claim.operation == MESSAGE else claim.id
        return str(item).encode() if self.serializer is None else item

    def consume(self, block: bool = True, timeout: float | None = None) -> Iterator[Any]:
        """Items one after another, for ever unless `timeout` seconds pass without one."""
        try:
            while (item := self.get(block, timeout)) is not None:
                yield item
        finally:
            self.consumer.acknowledge()

    def worker(self, *args: Any, **kwargs: Any) -> Any:
        """Decorator: the function becomes a consumer that is called with every item.

        An exception fails the item with its traceback (a job keeps it in its record); the consumer goes on.
        """

        def decorate(function: Callable[..., Any]) -> Callable[..., None]:
            @functools.wraps(function)
            def consumer(*given: Any) -> None:
                for item in self.consume(**kwargs):
                    try:
                        function(*given, item)
                    except Exception as error:
                        logger.exception("The worker function failed on %r", item)
                        self.consumer.fail(error)

            return consumer

        return decorate(*args) if args else decorate

    def clear(self) -> None:
        """Throw away what waits in the queue. Jobs of ours in it are cancelled."""
        while self.jobs.purge(self.name, foreign=True).left:
            pass

    def close(self) -> None:
        """End what was taken and let the connections go; an exit of the program does it, too."""
        self.consumer.close()
        self.jobs.close()

    def __len__(self) -> int:
        return int(self.jobs.store.queues.llen(self.key))

    def __repr__(self) -> str:
        return f"<HotQueue: {self.name!r} ({len(self)} waiting)>"
