"""The program as a process: on a terminal, in a pipe, interrupted; and the launcher behind `up` and `demo`."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.cli.conftest import PARKED
from tests.servers import free_port
from tests.service import Service
from tests.waiting import until
from tests.workers import ROOT
from trafficjobs import Client, Invalid
from trafficjobs.profiles import config_file

PROGRAM = [sys.executable, "-m", "trafficjobs"]


def environment(service: Service, **more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {
        "TRAFFICJOBS_URL": service.url,
        "TERM": "xterm-256color",
        "COLUMNS": "120",
        **more,
    }


def on_terminal(words: list[str], environment: dict[str, str]) -> str:
    """What a command writes where everything is a terminal."""
    parent, child = pty.openpty()
    process = subprocess.Popen([*PROGRAM, *words], cwd=ROOT, env=environment, stdin=child, stdout=child, stderr=child)
    os.close(child)
    written = b""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        if select.select([parent], [], [], 0.1)[0]:
            try:
                chunk = os.read(parent, 65536)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            written += chunk
    os.close(parent)
    assert process.wait(10) == 0, written
    return written.decode()


def test_a_terminal_sees_colours_and_a_progress_bar(service: Service) -> None:
    shown = on_terminal(["submit", "chatty", "-p", "lines=2", "--wait"], environment(service))
    assert "━" in shown
    assert '"lines": 2' in shown
    assert "\x1b[" in on_terminal(["list", "-n", "1"], environment(service))


def test_no_color_takes_the_colours_away(service: Service) -> None:
    shown = on_terminal(["list", "-n", "1"], environment(service, NO_COLOR="1"))
    assert "ID" in shown
    assert "\x1b[3" not in shown


def test_top_is_drawn_anew_on_a_terminal(service: Service) -> None:
    shown = on_terminal(["top", "--count", "2", "--interval", "0.2"], environment(service))
    assert shown.count("WORKER") + shown.count("Nothing runs.") >= 2


def test_a_pipe_that_nobody_reads_on_is_no_error(service: Service) -> None:
    command = f"{sys.executable} -m trafficjobs operations --json | head -c 1"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, env=environment(service), capture_output=True, timeout=30)
    assert (done.stdout, done.stderr) == (b"{", b"")


def test_ctrl_c_ends_a_wait_with_130_and_without_a_traceback(service: Service) -> None:
    with Client(service.url) as client:
        jid = client.submit("unique_issues", queue=PARKED).id
    command = [*PROGRAM, "watch", jid, "--json"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(service),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs the tests in the background may have it ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b'{"id"')
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, b"")


def test_a_locale_without_the_marks_ends_nothing(service: Service) -> None:
    env = environment(service, PYTHONIOENCODING="ascii")
    done = subprocess.run([*PROGRAM, "doctor"], cwd=ROOT, env=env, capture_output=True, timeout=30)
    assert b"? reachable" in done.stdout


def test_completion_is_offered(service: Service) -> None:
    env = environment(service, _TRAFFICJOBS_COMPLETE="complete_bash", COMP_WORDS="trafficjobs que", COMP_CWORD="1")
    done = subprocess.run([*PROGRAM], cwd=ROOT, env=env, capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == ["queues"], done.stderr


@pytest.mark.parametrize("command", ["up", "demo"])
def test_the_launcher_refuses_a_port_that_is_taken(service: Service, tmp_path: Path, command: str) -> None:
    port = service.url.rpartition(":")[2]
    words = [*PROGRAM, command, "--port", port, "--run-dir", str(tmp_path), "--data-dir", str(tmp_path)]
    done = subprocess.run(words, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=30)
    assert done.returncode == 1
    assert f"port {port} is busy".encode() in done.stderr


def test_up_starts_a_service_that_doctor_can_look_at(tmp_path: Path) -> None:
    port = free_port()
    folders = ["--run-dir", str(tmp_path / "run"), "--data-dir", str(tmp_path), "--redis-port", str(free_port())]
    env = {name: value for name, value in os.environ.items() if not name.startswith("TRAFFICJOBS_")}
    env["WORKER_CHILDREN"] = "1"
    with (tmp_path / "out").open("wb") as out:
        process = psutil.Popen([*PROGRAM, "up", "--port", str(port), *folders], cwd=ROOT, env=env, stdout=out, stderr=out)
    try:
        until(lambda: "Ready after" in (tmp_path / "out").read_text() or not process.is_running(), 60, "the service")
        doctor = [*PROGRAM, "doctor", "--url", f"http://127.0.0.1:{port}"]
        done = subprocess.run(doctor, cwd=ROOT, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0
        assert "✓ server: Valkey" in done.stdout
        assert "! data: none is loaded → trafficjobs load FILE" in done.stdout
        assert subprocess.run([*doctor, "--strict"], cwd=ROOT, capture_output=True, timeout=30).returncode == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        for each in [*process.children(recursive=True), process] if process.is_running() else []:
            each.kill()


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("operations >&-", 0),
        ("--help >&-", 0),
        ("submit nonsense_of_that_name 2>&-", 2),
        ("list | true; exit ${PIPESTATUS[0]}", 0),
        ("--help | true; exit ${PIPESTATUS[0]}", 0),
    ],
)
def test_closed_outputs_are_no_failure_and_errors_stay_out_of_the_output(service: Service, command: str, code: int) -> None:
    shell = ["bash", "-c", f"{sys.executable} -m trafficjobs {command}"]
    done = subprocess.run(shell, cwd=ROOT, env=environment(service), capture_output=True, timeout=30)
    assert (done.returncode, done.stdout) == (code, b"")
    assert b"Traceback" not in done.stderr


def test_a_user_without_a_home_is_told_what_to_set() -> None:
    with pytest.raises(Invalid, match="TRAFFICJOBS_CONFIG"):
        config_file({"HOME": "~nobody-of-that-name"})
