"""A connection to what `lib.egress` allowed: to one of exactly those addresses, under TLS where the URL says so.

Webhooks and downloads are sent over it. While the address is fixed, TLS still asks for the certificate of the name.
"""

import socket
import ssl
import time
from collections.abc import Sequence

from lib.egress import Endpoint


def left(end: float) -> float:
    """Seconds until a time of `time.monotonic`. Raises TimeoutError where it is over."""
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def connected(endpoint: Endpoint, addresses: Sequence[str], end: float) -> socket.socket:
    """A connection to the first address that answers before `end`.

    Raises: OSError (ssl.SSLError among them) where none does.
    """
    failure: OSError = OSError("the name has no address")
    for n, address in enumerate(addresses):
        try:
            # Those that are still to come get their share of the time.
            connection = socket.create_connection((address, endpoint.port), left(end) / (len(addresses) - n))
            break
        except OSError as error:
            failure = error
    else:
        raise failure
    try:
        if endpoint.tls:
            connection.settimeout(left(end))
            return ssl.create_default_context().wrap_socket(connection, server_hostname=endpoint.host)
        return connection
    except BaseException:
        connection.close()
        raise
