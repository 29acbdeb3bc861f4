"""Runs in a pod: which of the addresses `host:port` given can be connected to. Prints JSON.

Some networks drop what a policy forbids, some reject it: both are `closed`. Anything else, such as an unknown name, is told.
"""

import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

WITHIN = 4.0  # seconds


def reach(address: str) -> str:
    """open, closed, or the error."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), WITHIN):
            return "open"
    except (TimeoutError, ConnectionRefusedError):
        return "closed"
    except OSError as error:
        return str(error)


with ThreadPoolExecutor() as pool:
    print(json.dumps(dict(zip(sys.argv[1:], pool.map(reach, sys.argv[1:]), strict=True))))
