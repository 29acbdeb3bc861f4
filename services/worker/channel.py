"""JSON lines over a pipe, between supervisor and nursery. Reading never blocks; a closed pipe is told as such."""

import os
from typing import Any

import orjson


class Sender:
    """The writing end. A line is far below the size that a pipe takes at once."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def send(self, **message: Any) -> bool:
        """Write one message; False where the other side is gone."""
        try:
            os.write(self._fd, orjson.dumps(message) + b"\n")
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close the end, which tells the other side."""
        os.close(self._fd)


class Receiver:
    """The reading end."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.closed = False
        self._rest = b""
        os.set_blocking(fd, False)

    def receive(self) -> list[dict[str, Any]]:
        """Messages that have come; sets `closed` at the end."""
        while True:
            try:
                data = os.read(self.fd, 65_536)
            except BlockingIOError:
                break
            if not data:
                self.closed = True
                break
            self._rest += data
        *lines, self._rest = self._rest.split(b"\n")
        return [orjson.loads(line) for line in lines]

    def close(self) -> None:
        """Close the end."""
        os.close(self.fd)
