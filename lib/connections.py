"""Every connection to Redis is made here: to one address, to the master that sentinels name, or to the one node of a cluster
that has our keys.

Where the server may change, a connection looks it up whenever it opens a socket, and drops that at the first answer which
says that the server is no longer the one. The caller meets a `redis.ConnectionError`, as when Redis is away, and tries again.
"""

import ssl
from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import AskError, ClusterDownError, MovedError, ReadOnlyError, TryAgainError
from redis.retry import Retry
from redis.sentinel import Sentinel

from lib.settings import Settings, address

FOREVER = float("inf")
Address = tuple[str, int]
_SENTINEL_PORT, _NODE_PORT = 26379, 6379
_ASKING_TIMEOUT = 1.0  # seconds for which a sentinel, or a node of the cluster, is asked where to go; there are others
_ELSEWHERE = (ReadOnlyError, AskError, TryAgainError, ClusterDownError)  # MOVED is a kind of AskError


def client_options(settings: Settings, db: int, socket_timeout: float | None) -> dict[str, Any]:
    """Keyword arguments of redis-py for one database; no retry of its own, RESP2."""
    return {
        "db": db,
        "protocol": 2,
        "socket_timeout": socket_timeout,
        "socket_connect_timeout": settings.redis_timeout,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
    }


def connect(settings: Settings, db: int, socket_timeout: float | None = None, **extra: Any) -> redis.Redis:
    """A client (with a pool of its own) for one logical database. Connects at the first command.

    Args:
        socket_timeout: seconds; `settings.redis_timeout` by default. A blocking command needs its block and more; FOREVER
            for one that blocks without an end.
        extra: further keyword arguments of `redis.Redis`.
    """
    limit = settings.redis_timeout if socket_timeout is None else socket_timeout
    options = client_options(settings, db, None if limit == FOREVER else limit) | _tls(settings) | extra
    if settings.redis_url:
        if settings.redis_url.startswith("unix://"):
            del options["socket_keepalive"]  # of TCP; a connection of this kind takes no such argument
        pool = redis.ConnectionPool.from_url(settings.redis_url, **options)
        pool.connection_kwargs["db"] = db  # a number in the URL's path would win otherwise
        return redis.Redis(connection_pool=pool)
    options |= {"username": settings.redis_username, "password": settings.redis_password}
    find = _finder(settings)
    if find is not None:
        kind = _FollowingTls if settings.redis_tls else _Following
        return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=kind, find=find, **options))
    return redis.Redis(host=settings.redis_ip, port=settings.redis_port, ssl=settings.redis_tls, **options)


def _tls(settings: Settings) -> dict[str, Any]:
    """Arguments that only a connection with TLS takes."""
    url = settings.redis_url
    if not (url.startswith("rediss://") if url else settings.redis_tls):
        return {}
    # Python 3.13 refuses authorities without the newest extensions, as `openssl req -x509` and many companies make them.
    options: dict[str, Any] = {"ssl_exclude_verify_flags": [ssl.VerifyFlags.VERIFY_X509_STRICT]}
    if settings.redis_ca_file:
        options["ssl_ca_certs"] = str(settings.redis_ca_file)
    return options


class _Following(redis.Connection):
    """A connection to a server that may become another one.

    Args:
        find: says which address is the right one now; raises `redis.ConnectionError` where nobody knows.
    """

    def __init__(self, find: Callable[[], Address], **options: Any) -> None:
        self._find = find
        super().__init__(**options)  # type: ignore[no-untyped-call]

    def _connect(self) -> Any:
        self.host, self.port = self._find()
        return super()._connect()  # type: ignore[no-untyped-call]

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)
        except redis.ResponseError as error:
            if not isinstance(error, _ELSEWHERE) and not str(error).startswith("UNBLOCKED"):
                raise
            self.disconnect()  # type: ignore[no-untyped-call]
            raise redis.ConnectionError(f"{self.host}:{self.port} does not have our keys, or not now: {error}") from error


class _FollowingTls(_Following, redis.SSLConnection):
    """The same with TLS."""


def _finder(settings: Settings) -> Callable[[], Address] | None:
    """How the right address is found; None where it is fixed."""
    asking = client_options(settings, 0, min(settings.redis_timeout, _ASKING_TIMEOUT)) | _tls(settings)
    asking |= {"socket_connect_timeout": asking["socket_timeout"], "ssl": settings.redis_tls}
    if settings.redis_sentinels:
        asking |= {"username": settings.redis_sentinel_username, "password": settings.redis_sentinel_password}
        sentinels = [address(each, _SENTINEL_PORT) for each in settings.redis_sentinels]
        return MasterOf(Sentinel(sentinels, sentinel_kwargs=asking), settings.redis_sentinel_master)  # type: ignore[no-untyped-call]
    if settings.redis_cluster:
        asking |= {"username": settings.redis_username, "password": settings.redis_password}
        return OwnerOf(settings.key_prefix + "jobs", [address(each, _NODE_PORT) for each in settings.redis_cluster], asking)
    return None


class MasterOf:
    """Asks sentinels for the address of a master, the one that knew it last first."""

    def __init__(self, sentinel: Sentinel, name: str) -> None:
        self._sentinel, self._name = sentinel, name

    def __call__(self) -> Address:
        """Raises redis.ConnectionError where no sentinel that answers knows one that is up."""
        try:
            host, port = self._sentinel.discover_master(self._name)  # type: ignore[no-untyped-call]
        except redis.ResponseError as error:
            raise redis.ConnectionError(f"REDIS_SENTINELS: one answers as no sentinel does: {error}") from error
        return str(host), int(port)


class OwnerOf:
    """Asks nodes of a cluster which of them has a key, the last owner first.

    Args:
        key: any of ours; all lie in one slot.
        nodes: some that are always there; they know the others.
        options: keyword arguments of `redis.Redis`.
    """

    def __init__(self, key: str, nodes: list[Address], options: dict[str, Any]) -> None:
        self._key, self._nodes, self._options = key, nodes, options
        self._last: Address | None = None

    def __call__(self) -> Address:
        """Raises redis.ConnectionError where no node answers, or none knows."""
        errors = []
        for host, port in ([self._last] if self._last else []) + self._nodes:
            try:
                with redis.Redis(host=host, port=port, **self._options) as node:
                    node.exists(self._key)
                self._last = host, port
            except MovedError as moved:
                self._last = moved.host or host, moved.port  # no host: the one that was asked
            except redis.AuthenticationError:
                raise
            except (redis.ConnectionError, redis.TimeoutError, ClusterDownError) as error:
                errors.append(f"{host}:{port}: {error}")
                continue
            return self._last
        raise redis.ConnectionError(f"no node of the cluster says who has our keys: {'; '.join(errors)}")
