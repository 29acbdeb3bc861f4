"""The local launcher with real processes: real Valkey, real gunicorn, and small stand-ins for what they run.

Each test works in a copy of the `trafficjobs` package beside stand-in services, so that it needs no part of the real
ones and can run beside a launcher of the checkout itself.
"""

import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.servers import free_port
from tests.service import ready
from tests.waiting import until
from tests.workers import ROOT

PATIENCE = 15.0  # seconds
PROGRAMS = ["redis", "api", "upkeep", "worker"]

APP = """
def create_app():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ready"]
    return app
"""
GUNICORN = """
import os
bind = f"{os.environ['HOST']}:{os.environ['PORT']}"
control_socket_disable = True
"""
UPKEEP = "import signal; signal.pause()\n"
# Like the real worker it has a child of its own; unlike it, the child does not notice that its parent is gone.
WORKER = """
import signal, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
signal.pause()
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the project to the launcher."""
    shutil.copytree(ROOT / "trafficjobs", tmp_path / "trafficjobs", ignore=shutil.ignore_patterns("__pycache__"))
    files = {
        "services/api/app.py": APP,
        "services/api/gunicorn.conf.py": GUNICORN,
        "services/api/upkeep.py": UPKEEP,
        "services/worker/__main__.py": WORKER,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


class Launcher:
    """A running `python -m trafficjobs.local up`."""

    def __init__(self, checkout: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.out = checkout / "out.txt"
        self.log = checkout / "run" / "log"
        with self.out.open("wb") as out:
            self.process = psutil.Popen(command(self.port), cwd=checkout, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        self.seen: set[psutil.Process] = set()

    def wait_until_ready(self) -> None:
        until(lambda: "Ready after" in self.text() or not self.process.is_running(), PATIENCE, "the start")
        assert "Ready after" in self.text(), self.text()
        until(lambda: any(map(is_child_of_the_worker, self.family())), PATIENCE, "the child of the worker")

    def wait_for(self, text: str) -> None:
        until(lambda: text in self.text(), PATIENCE, text)

    def text(self) -> str:
        return self.out.read_text()

    def pid_of(self, program: str) -> int:
        """The pid that the launcher's table shows."""
        found = re.search(rf"^  {program} +pid (\d+)", self.text(), re.MULTILINE)
        assert found, self.text()
        return int(found[1])

    def family(self) -> set[psutil.Process]:
        """Children and grandchildren; every one ever seen is remembered."""
        family = set(self.process.children(recursive=True))
        self.seen |= family
        return family

    def orphans(self) -> list[psutil.Process]:
        """Whatever was ever started and still runs."""
        return [process for process in self.seen if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def launcher(checkout: Path) -> Iterator[Launcher]:
    running = Launcher(checkout)
    try:
        running.wait_until_ready()
        yield running
    finally:
        if running.process.is_running():
            running.family()
            running.process.kill()
            running.process.wait()
        for process in running.orphans():
            process.kill()


def command(port: int) -> list[str]:
    return [sys.executable, "-m", "trafficjobs.local", "up", "--port", str(port), "--redis-port", str(free_port())]


def is_child_of_the_worker(process: psutil.Process) -> bool:
    try:
        return "-c" in process.cmdline() and "signal.pause" in process.cmdline()[-1]
    except psutil.Error:
        return False


def test_a_busy_port_is_named_together_with_the_remedy(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        start = subprocess.run(command(port), cwd=checkout, capture_output=True, text=True, timeout=20)
    assert start.returncode == 1
    assert f"port {port} is busy" in start.stderr
    assert f"PORT={port + 1} make demo" in start.stderr
    assert "Traceback" not in start.stderr


def test_a_second_start_names_the_first_one(checkout: Path, launcher: Launcher) -> None:
    second = subprocess.run(command(free_port()), cwd=checkout, capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert f"already running from this folder: process {launcher.process.pid}, {launcher.url}" in second.stderr
    assert ready(launcher.url)


def test_every_killed_process_comes_back(launcher: Launcher) -> None:
    for program in PROGRAMS:
        psutil.Process(launcher.pid_of(program)).kill()
    for program in PROGRAMS:
        launcher.wait_for(f"{program} was killed by SIGKILL; it is started again")
    until(lambda: len(launcher.process.children()) == len(PROGRAMS) and ready(launcher.url), PATIENCE, "every program again")
    assert not {launcher.pid_of(program) for program in PROGRAMS} & {child.pid for child in launcher.family()}
    until(lambda: sum(map(is_child_of_the_worker, launcher.family())) == 1, PATIENCE, "the child of the new worker")
    assert sum(map(is_child_of_the_worker, launcher.orphans())) == 1, "the child of the killed worker was left behind"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_everything_in_order_and_with_exit_code_0(launcher: Launcher, stop: signal.Signals) -> None:
    launcher.process.send_signal(stop)
    assert launcher.process.wait(timeout=15) == 0
    assert launcher.orphans() == []
    assert launcher.text().endswith("Stopping worker, upkeep, api, redis\nStopped; nothing is left running\n")
    assert "bye bye" in (launcher.log / "redis.log").read_text(), "Redis was not stopped in an orderly way"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent was killed")
def test_killing_the_launcher_itself_kills_what_it_started(launcher: Launcher) -> None:
    started = [psutil.Process(launcher.pid_of(program)) for program in PROGRAMS]
    launcher.process.kill()
    until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in started), PATIENCE, "their ends")


def test_a_program_that_keeps_dying_ends_the_start_with_its_last_words(checkout: Path) -> None:
    (checkout / "services/api/upkeep.py").write_text("raise SystemExit('no such setting')\n")
    (checkout / "services/api/app.py").write_text("def create_app():\n    raise SystemExit(3)\n")
    start = subprocess.run(command(free_port()), cwd=checkout, capture_output=True, text=True, timeout=30)
    assert start.returncode == 1
    assert "ends right after its start" in start.stderr
    assert "no such setting" in start.stdout + start.stderr
    assert start.stdout.endswith("nothing is left running\n")


def test_off_a_terminal_no_control_character_is_written(launcher: Launcher) -> None:
    assert re.findall(r"[\x00-\x09\x0b-\x1f\x7f]", launcher.text()) == []
