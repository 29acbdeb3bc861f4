"""One command, one answer, over connections of a client's pool, without what redis-py does around each command.

`Store` sends its scripts through it; pooling and observing are half of what a command costs a caller.
Nothing is sent twice here: after any error but the server's own answer the connection is closed, and the caller decides.
"""

import os
import time
from collections import deque
from typing import Any

import hiredis
import redis

_SURE = 1.0  # seconds after its last answer for which a connection is taken to be open


class Wire:
    """Safe for threads: each call has a connection of its own, taken from those that are free.

    Args:
        client: whose pool makes the connections, so that address, login, database and timeouts are the client's.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._make = client.connection_pool.make_connection
        self._free: deque[tuple[Any, float]] = deque()

    def execute(self, *command: Any) -> Any:
        """Send a command of str, bytes and numbers and return the reply.

        Raises: redis.ResponseError as the server says it; redis.ConnectionError, redis.TimeoutError.
        """
        connection = self._take()
        try:
            if not connection.is_connected:
                connection.connect()
            connection.send_packed_command([hiredis.pack_command(command)])
            return connection.read_response()
        except redis.exceptions.ReadOnlyError:  # a master no more; the address may lead to another one by now
            connection.disconnect()
            raise
        except redis.ResponseError:
            raise
        except BaseException:  # a signal's exception, too: the reply is still to come
            connection.disconnect()
            raise
        finally:
            self._free.append((connection, time.monotonic()))

    def _take(self) -> Any:
        """A free connection, the one used last; a new one where there is none, or where a fork left it to the parent."""
        try:
            connection, answered = self._free.pop()
        except IndexError:
            return self._make()
        if connection.pid != os.getpid():
            return self._take()
        if time.monotonic() - answered > _SURE and _was_closed(connection):
            connection.disconnect()
        return connection

    def close(self) -> None:
        """Close the free connections."""
        while self._free:
            self._free.pop()[0].disconnect()


def _was_closed(connection: Any) -> bool:
    """Whether the server has closed it, or said something nobody asked for."""
    try:
        return bool(connection.can_read())
    except (redis.RedisError, OSError):
        return True
