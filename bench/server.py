"""A fresh server for every measurement, the same for all contestants: the embedded Valkey on TCP loopback, AOF everysec.

It is the server of the tests; its data goes to a temporary folder and away with it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from tests.servers import Server


@contextmanager
def fresh_server() -> Iterator[Server]:
    """A running, empty server; `.port` is where it listens, `.folder` is for whatever else the measurement writes."""
    with tempfile.TemporaryDirectory(prefix="trafficjobs-bench-") as folder, Server(Path(folder) / "redis") as server:
        yield server


def processor_seconds(client: redis.Redis) -> float:
    """Seconds of a core that a server has used since its start."""
    info: Any = client.info("cpu")
    return float(info["used_cpu_user"] + info["used_cpu_sys"])
