"""What is hidden of the environment: no child process and nobody who looks from outside finds it, and the settings still do."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.workers import ROOT

PROGRAM = """
import json, os, subprocess, sys
from lib.hidden import OTEL, hide, hidden, shown
from lib.settings import SECRETS, load_settings

before = load_settings()
hide(SECRETS)
hide(SECRETS)
after = load_settings()
child = subprocess.run([sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"], capture_output=True)
with shown(OTEL):
    put_back = os.environ["OTEL_EXPORTER_OTLP_HEADERS"]
kernel = open("/proc/self/environ", errors="replace").read() if os.path.exists("/proc/self/environ") else ""
said = {"same": before == after, "own": dict(os.environ), "child": json.loads(child.stdout), "kernel": kernel}
said |= {"put_back": put_back, "hidden": hidden()}
print(json.dumps(said | {"given": load_settings(redis_password="given").redis_password}))
"""
SECRETS = {
    "REDIS_PASSWORD": "marked-1",
    "redis_url": "redis://app:marked-2@h",
    "METRICS_TOKEN": "marked-ü",
    "OTEL_EXPORTER_OTLP_HEADERS": "a=marked-3",
}


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What a program says that has hidden its secrets."""
    environment = os.environ | SECRETS | {"KEY_PREFIX": "plain:"}
    run = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("where", ["own", "child", "kernel"])
def test_nobody_finds_what_is_hidden(told: dict[str, Any], where: str) -> None:
    if where == "kernel" and not told[where]:
        pytest.skip("this system has no /proc")
    assert "plain:" in str(told[where])
    assert "marked" not in str(told[where])


def test_the_settings_are_what_they_were(told: dict[str, Any]) -> None:
    assert told["same"] is True
    assert told["hidden"] == {name.upper(): value for name, value in SECRETS.items()}
    assert told["given"] == "given"


def test_opentelemetry_finds_its_own_for_a_moment(told: dict[str, Any]) -> None:
    assert told["put_back"] == "a=marked-3"
