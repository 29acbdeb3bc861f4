"""The way from the test to the release's Service: `kubectl port-forward`, which works on every cluster.

It ends whenever its pod does, and is then started again on the same local port until it is closed.
"""

import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers import free_port


class PortForward:
    """A port of a Service on a port of this machine, as long as the block lasts.

    Args:
        target: such as svc/e2e-api.
        port: of the Service.
        log: file for what kubectl says.
    """

    def __init__(self, namespace: str, target: str, port: int, log: Path) -> None:
        self.port = free_port()
        self._command = ["kubectl", "-n", namespace, "port-forward", target, f"{self.port}:{port}"]
        self._log = log
        self._closed = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="port-forward", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _keep(self) -> None:
        while not self._closed.is_set():
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
            if self._closed.is_set():  # closed between the look and the start
                self._process.terminate()
            self._process.wait()
            self._closed.wait(0.3)

    def __enter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closed.set()
        if self._process is not None:
            self._process.terminate()
        self._thread.join(10)
