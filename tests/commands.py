"""The commands that clients send to a server while a block runs, as the server itself sees them (MONITOR)."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile

import redis

_END = "the end of the block"


@contextmanager
def commands_sent(port: int) -> Iterator[list[str]]:
    """A list that has, after the block, the name of every command of any client in order; those within scripts do not count."""
    found: list[str] = []
    with redis.Redis(port=port) as client, client.monitor() as monitor:
        client.ping()  # its connection is made
        until_here = iter(monitor.listen())
        for each in until_here:
            if each["command"] == "PING":
                break
        yield found
        client.echo(_END)
        block = takewhile(lambda each: _END not in each["command"], until_here)
        found += [each["command"].split()[0] for each in block if each["client_type"] != "lua"]
