"""`make demo` as a newcomer sees it: the real launcher, API, upkeep and worker, in folders of their own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ["redis", "api", "upkeep", "worker"]
# What the first phase may take once the packages are there.
FIRST_PHASE_SECONDS = 60.0
RECOVERY_SECONDS = 30.0


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


@pytest.fixture(scope="module")
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


def test_the_demo_runs_one_job_of_each_operation_and_shows_its_result(demo: Demo) -> None:
    templates = httpx.get(f"{demo.url}/templates").json()
    for name in ["load", *templates]:
        assert re.search(rf"^  ✓ {name} +\d+ ms  \S", demo.text, re.MULTILINE), f"{name} is missing:\n{demo.text}"
    assert "✗" not in demo.text


def test_the_demo_saves_a_plot_and_says_where_to_look(demo: Demo) -> None:
    assert (demo.data / "plot.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    look = demo.text.partition("\nLook at\n")[2]
    assert str(demo.data / "plot.png") in look
    pages = re.findall(rf"^  .+  ({re.escape(demo.url)}/\S+)$", look, re.MULTILINE)
    assert {f"{demo.url}/jobs", f"{demo.url}/metrics"} <= set(pages)
    for page in pages:
        assert httpx.get(page, follow_redirects=True).status_code == 200


def test_the_demo_stays_up_and_outlives_a_kill_of_each_of_its_processes(demo: Demo) -> None:
    before = httpx.get(f"{demo.url}/jobs").json()
    for program in PROGRAMS:
        psutil.Process(demo.pid_of(program)).kill()
    end = time.monotonic() + RECOVERY_SECONDS
    job = {"operation": "incident_count_by_date", "params": {"date": "2020-01-01"}}
    with httpx.Client(base_url=demo.url, timeout=RECOVERY_SECONDS) as client:
        while not answers_200(client):
            assert time.monotonic() < end, demo.text
            time.sleep(0.05)
        record = client.post("/jobs", json=job).json()
        while record["status"] != "complete":
            assert record["status"] in ("submitted", "in-progress"), record
            assert time.monotonic() < end, f"{record}\n{demo.text}"
            time.sleep(0.05)
            record = client.get(f"/jobs/{record['id']}").json()
        after = client.get("/jobs").json()
    known = {entry["id"] for entry in after["jobs"]}
    assert {entry["id"] for entry in before["jobs"]} <= known, "a job was lost with the killed processes"


def answers_200(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False
