"""A running demonstration, as `make demo` starts it: the real launcher, API, upkeep and worker, in folders of their own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
# What the first phase may take once the packages are there.
FIRST_PHASE_SECONDS = 60.0


class Demo:
    """A running demonstration. `text` is what it has written so far."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.data, self._out = folder / "data", folder / "out.txt"
        options = ["--port", port, "--redis-port", free_port(), "--run-dir", folder / "run", "--data-dir", self.data]
        command = [sys.executable, "-m", "trafficjobs.local", "demo", *map(str, options)]
        # no home and no settings of whoever runs the tests
        env = {"PATH": os.environ["PATH"], "HOME": str(folder / "nohome"), "HOST": "elsewhere", "REDIS_URL": "redis://elsewhere"}
        with self._out.open("wb") as out:
            self.process = psutil.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL)

    @property
    def text(self) -> str:
        return self._out.read_text()

    def wait_for(self, pattern: str, seconds: float) -> None:
        """Wait until the pattern stands in the output; fail with the output if it does not in time."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text, re.MULTILINE):
            assert self.process.is_running(), self.text
            assert time.monotonic() < end, self.text
            time.sleep(0.05)

    def pid_of(self, program: str) -> int:
        found = re.search(rf"^  {program} +pid (\d+)", self.text, re.MULTILINE)
        assert found, self.text
        return int(found[1])


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demonstration whose first phase is over; its end is checked when the last test that uses it is done."""
    running = Demo(tmp_path_factory.mktemp("demo"))
    family: list[psutil.Process] = []
    try:
        running.wait_for("^All of this took", FIRST_PHASE_SECONDS)
        yield running
        family = running.process.children(recursive=True)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(timeout=30) == 0, running.text
        assert running.text.endswith("Stopped; nothing is left running\n"), running.text
        assert [process for process in family if process.is_running()] == []
    finally:
        for process in [running.process, *family]:
            if process.is_running():
                process.kill()
