"""A person at a terminal in a pod: `kubectl exec -it` on a pseudo-terminal, typed into and read as it appears."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from types import TracebackType
from typing import Self

from tests.e2e.waits import until

_ROWS, _COLUMNS = 50, 220  # wide, so that nothing is broken into lines
# Colours, movements of the cursor and titles, which a terminal acts on and does not show.
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-Z\\-_=>])|\r")


class Terminal:
    """One session, as long as the block lasts.

    Args:
        target: pod/... or deploy/...
        container: which one, where there are several.
    """

    def __init__(self, namespace: str, target: str, *command: str, container: str = "") -> None:
        chosen = ["-c", container] if container else []
        self._command = ["kubectl", "-n", namespace, "exec", "-it", target, *chosen, "--", *command]
        self._seen = b""
        self._read_to = 0

    def __enter__(self) -> Self:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        self._process = subprocess.Popen(self._command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        threading.Thread(target=self._listen, name="terminal", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait(10)

    def _listen(self) -> None:
        try:
            while some := os.read(self._ours, 65_536):
                self._seen += some
        except OSError:  # the other end is closed
            pass
        os.close(self._ours)

    def type(self, line: str) -> None:
        """Type a line, and Enter."""
        self.press(f"{line}\r")

    def press(self, keys: str) -> None:
        """Press keys, such as "\\x03" for Ctrl-C."""
        os.write(self._ours, keys.encode())

    def text(self) -> str:
        """Everything that has appeared, without what is not shown."""
        return _ESCAPES.sub("", self._seen.decode(errors="replace"))

    def unread(self) -> str:
        """What has appeared since `expect` last found something."""
        return self.text()[self._read_to :]

    def expect(self, pattern: str, seconds: float) -> str:
        """Wait until what is unread has the pattern; the match, up to which everything counts as read."""
        until(self.unread, lambda unread: re.search(pattern, unread), seconds, f"{pattern!r} at the terminal", every=0.05)
        found = re.search(pattern, self.unread())
        assert found is not None
        self._read_to += found.end()
        return found.group()
