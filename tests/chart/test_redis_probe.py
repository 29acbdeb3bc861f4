"""The probe of Redis: what it makes of each answer of a command line that answers as told, and of the real one's."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.chart.guarded import GuardedRedis, write_config
from tests.chart.rendering import FULL, Chart

CLI = """#!/bin/sh
echo "$REDISCLI_AUTH $*" >"$CALLED"
printf '%s\\n' "$ANSWER"
"""
ANSWERS = {
    "PONG": (True, True),
    "LOADING Redis is loading the dataset in memory": (False, True),
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.": (False, True),
    "MASTERDOWN Link with MASTER is down": (False, True),
    "AUTH failed: WRONGPASS invalid username-password pair\nNOAUTH Authentication required.": (False, False),
    "Could not connect to Valkey at 127.0.0.1:6379: Connection refused": (False, False),
    "": (False, False),
}


@pytest.fixture
def probe(chart: Chart, tmp_path: Path) -> Path:
    """The script, in a folder with a password and a command line that answers as told."""
    scripts = write_config(chart, tmp_path, 7000)
    (tmp_path / "passwords" / "probe-password").write_text("the word\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "valkey-cli").write_text(CLI)
    (programs / "valkey-cli").chmod(0o755)
    return scripts / "probe-redis.sh"


def ask(probe: Path, wanted: str, port: str = "7000", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script as the kubelet does."""
    folder = probe.parents[1]
    given = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "CALLED": str(folder / "called")} | environment
    return subprocess.run(["sh", str(probe), wanted, port], env=given, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("answer", ANSWERS)
def test_ready_is_who_answers_and_alive_is_who_will(probe: Path, answer: str) -> None:
    for wanted, well in zip(("ready", "alive"), ANSWERS[answer], strict=True):
        ended = ask(probe, wanted, ANSWER=answer)
        assert ended.returncode == (0 if well else 1), wanted
        assert ended.stdout.strip() == ("" if well else answer), "what was wrong is shown in the events of the pod"


def test_the_password_is_not_on_the_command_line(probe: Path) -> None:
    ask(probe, "ready", ANSWER="PONG")
    assert (probe.parents[1] / "called").read_text().strip() == "the word -h 127.0.0.1 -p 7000 --user probe ping"


def test_the_image_of_redis_is_asked_by_its_own_command_line(probe: Path) -> None:
    programs = probe.parents[1] / "bin"
    (programs / "valkey-cli").rename(programs / "redis-cli")
    for program in ("tr", "sh"):
        (programs / program).symlink_to(str(shutil.which(program)))
    assert ask(probe, "ready", ANSWER="PONG", PATH=str(programs)).returncode == 0


@pytest.mark.skipif(not (shutil.which("valkey-cli") or shutil.which("redis-cli")), reason="no command line of Redis here")
def test_a_real_server_is_ready_until_it_is_gone(chart: Chart, tmp_path: Path) -> None:
    with GuardedRedis(chart, tmp_path) as guarded:
        probe, port = tmp_path / "etc" / "probe-redis.sh", str(guarded.port)
        assert ask(probe, "ready", port).returncode == 0
        assert ask(probe, "alive", port).returncode == 0
        (tmp_path / "passwords" / "probe-password").write_text("another")
        assert ask(probe, "ready", port).returncode == 1
        (tmp_path / "passwords" / "probe-password").write_text(guarded.password("probe"))
    for wanted in ("ready", "alive"):
        gone = ask(probe, wanted, port)
        assert gone.returncode == 1
        assert "refused" in gone.stdout


def test_the_pod_asks_by_these_scripts_on_its_own_port(chart: Chart) -> None:
    release = chart.render({"redis": {"service": {"port": 7000}}})
    (redis, *_) = release.get("StatefulSet", f"{FULL}-redis")["spec"]["template"]["spec"]["containers"]
    scripts = release.get("ConfigMap", f"{FULL}-redis")["data"]
    for name, wanted in (("readinessProbe", "ready"), ("livenessProbe", "alive")):
        assert redis[name]["exec"]["command"] == ["sh", "/etc/redis/probe-redis.sh", wanted, "7000"]
    assert redis["command"] == ["sh", "/etc/redis/start-redis.sh"]
    assert {"start-redis.sh", "probe-redis.sh", "redis.conf", "rules"} == scripts.keys()
    assert "port 7000\n" in scripts["redis.conf"]
