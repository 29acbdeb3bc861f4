"""How often an address has tried wrong tokens lately. Kept in the memory of this process, for a bounded number of addresses.

Asked only after a token has proved wrong, so that nobody with a good one ever waits, whoever shares their address.
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

PER_MINUTE = 20
MOST_ADDRESSES = 10_000


class Attempts:
    """A bucket for each address that refills steadily.

    Args:
        clock: seconds; for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()  # address: attempts in the bucket, and when
        self._lock = threading.Lock()

    def failed(self, address: str) -> int:
        """Count a failed attempt; 0, or the seconds to wait because there were too many."""
        key, now = _network(address), self._clock()
        with self._lock:
            used, then = self._used.pop(key, (0.0, now))
            used = max(0.0, used - (now - then) * PER_MINUTE / 60)
            full = used + 1 > PER_MINUTE
            self._used[key] = (used if full else used + 1, now)
            if len(self._used) > MOST_ADDRESSES:
                self._used.popitem(last=False)
        return max(1, round((used + 1 - PER_MINUTE) * 60 / PER_MINUTE + 0.5)) if full else 0


def _network(address: str) -> str:
    """An IPv6 customer has a whole /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
