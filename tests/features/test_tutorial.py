"""docs/tutorial.md from start to end, in its order: its files are saved, its commands run, and print what it shows."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.features.conftest import Demo
from tests.features.test_readme import matches
from tests.waiting import until
from tests.workers import ROOT

PAGE = (ROOT / "docs" / "tutorial.md").read_text()
BLOCKS = [found.groups() for found in re.finditer(r"^```([\w-]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]
PATIENCE = 60.0


def block(kind: str, word: str) -> str:
    """The one block of a kind that holds a word."""
    (text,) = [text for name, text in BLOCKS if name == kind and word in text]
    return text


class Shell:
    """An ipython of the page's, in which several blocks are typed one after the other."""

    def __init__(self, environment: dict[str, str]) -> None:
        command = [sys.executable, "-u", "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True)

    def type(self, shown: str) -> None:
        """Type what a block types; AssertionError where its outputs are others."""
        assert self.process.stdin is not None
        for number, typed, answer in re.findall(r"^In \[(\d+)\]: (.*)\n((?:(?!In \[).*\n)*)", shown, re.MULTILINE):
            print(typed, file=self.process.stdin, flush=True)
            print(f"print('typed', {number})", file=self.process.stdin, flush=True)
            found = self._until(f"typed {number}\n")
            if answer.strip():
                assert answer.split(": ", 1)[1].strip() in found, found

    def close(self) -> None:
        """Its pipes as well."""
        self.process.kill()
        self.process.communicate()

    def _until(self, end: str) -> str:
        assert self.process.stdout is not None
        found = ""
        while not found.endswith(end):
            line = self.process.stdout.readline()
            assert line, found
            found += line
        return found


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Demo]:
    """What `make up` starts, with the operation of the page."""
    (tmp_path / "my_operations").mkdir()
    (tmp_path / "my_operations" / "slowly.py").write_text(block("python", "count_slowly"))
    running = Demo(tmp_path, "up", OPERATIONS_DIR=str(tmp_path / "my_operations"))
    try:
        running.wait_for("^Logs in", 2 * PATIENCE)
        yield running
    finally:
        family = [running.process, *running.process.children(recursive=True)]
        running.process.send_signal(signal.SIGINT)
        psutil.wait_procs(family, timeout=30)
        for process in family:
            if process.is_running():
                process.kill()


def run_commands(text: str, demo: Demo, folder: Path) -> None:
    """Run each command of a block until it prints what is shown; one that submits or kills runs once."""
    for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
        sample = f"{sys.executable} {ROOT}/tools/make_sample.py --rows 20000 --out data/atx_traffic.csv --seed 1"
        here = command.replace("http://127.0.0.1:5000", demo.url).replace("make data-sample", sample)

        def output(here: str = here) -> str:
            done = subprocess.run(["bash", "-c", here], cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
            return done.stdout

        if re.search(r" -d | --data-binary |^kill|^make", command):
            found = output()
            assert matches(shown, found), f"{here}\n{found}"
        else:
            until(lambda shown=shown, output=output: matches(shown, output()), PATIENCE, shown)  # type: ignore[misc]


@pytest.mark.slow
def test_the_first_hour_goes_as_the_page_tells(started: Demo, tmp_path: Path) -> None:
    assert matches(block("text", "worker  pid"), started.text.replace(started.url, "http://127.0.0.1:5000"))
    for kind, text in BLOCKS:
        if kind == "console":
            run_commands(text, started, tmp_path)
    assert "worker was killed by SIGKILL; it is started again" in started.text
    (port,) = re.findall(r"redis .*127\.0\.0\.1:(\d+)", started.text)
    environment = os.environ | {
        "REDIS_PORT": port,
        "QUEUE_NAME": "exercise",
        "PYTHONPATH": str(ROOT),
        "IPYTHONDIR": str(tmp_path),
    }
    shell = Shell(environment)
    worker: subprocess.Popen[bytes] | None = None
    try:
        shell.type(block("ipython", "In [1]"))
        (tmp_path / "worker.py").write_text(block("python", "q.worker"))
        worker = subprocess.Popen([sys.executable, "worker.py"], cwd=tmp_path, env=environment)
        wait = "import time\nwhile get_job_by_id(job['id'])['status'] != 'complete': time.sleep(0.05)\n"
        print(f"exec({wait!r})", file=shell.process.stdin, flush=True)
        shell.type(block("ipython", "In [4]"))
    finally:
        shell.close()
        if worker is not None:
            worker.kill()
            worker.wait()


def test_what_the_page_asks_of_make_and_of_the_folder_is_there() -> None:
    started = block("sh", "make up").split()
    assert started == ["OPERATIONS_DIR=$PWD/my_operations", "make", "up"]
    assert subprocess.run(["make", "-n", "up"], cwd=ROOT, capture_output=True, timeout=60).returncode == 0
    sample = subprocess.run(["make", "-n", "data-sample"], cwd=ROOT, capture_output=True, text=True, timeout=60).stdout
    assert "tools/make_sample.py --rows 20000 --out data/atx_traffic.csv --seed 1" in sample
    for name in re.findall(r"`(?:tests/e2e/)?(test_\w+\.py)`", PAGE):
        assert (ROOT / "tests" / "e2e" / name).exists(), name
